"""A camera as an observation model: photons, a colour mosaic, a tone curve, a file.

Between the light and the picture, noise is made once and changed three times. It is born on the sensor, stronger where
there is more light; demosaicking smears it over neighbours; the tone curve stretches it in the shadows; JPEG rounds it.
A denoiser sees what is left. What a camera's own software does on top is its maker's secret; two of its habits can be
seen in the pictures, though: a curve with more contrast than the standard's, and colours that are smoothed while the
brightness, in which the eye sees details, is not.

Guo et al., "Toward Convolutional Blind Denoising of Real Photographs", CVPR 2019, https://arxiv.org/abs/1807.04686
Chapter: book/denoising/real_noise.ipynb
"""

from dataclasses import dataclass

import torch
from torch import Generator, Tensor
from torch.nn import functional as F

from .._checks import check_images
from ._ranges import Range, draw, pair
from .degradations import Jpeg

LIMITS = (("shot", 0, 1), ("read", 0, 1), ("vivid", 0, 4), ("smear", 0, 3), ("soften", 0, 3), ("contrast", 1, 2))
GREY = (0.299, 0.587, 0.114)  # how much of a grey each colour is, by the JPEG standard


@dataclass(frozen=True)
class Camera:
    """``z = JPEG(g(L + C D(M n)))``, ``L = g^-1(y)``, ``n ~ N(0, shot^2 L + read^2)``.

    ``L`` is the light that the clean picture stands for (the tone curve ``g`` undone), ``n`` the sensor's noise:
    photons (shot) and electronics (read). ``M`` keeps one colour a pixel (Bayer's mosaic), ``D`` interpolates the other
    two, ``C`` stretches the differences between the colours and smooths them, and a little all of it. Only the noise is
    sent through these three: the clean picture has been through a camera before, and a second time would blur it. So
    without noise and JPEG the camera changes nothing. The sensor's range ends: values are cut to [0, 1].

    A pair (low, high) lets every image draw its own value.

    Args:
        shot: the paper's sigma_s, in units of the light, [0, 1]; the paper draws it from [0, 0.16].
        read: the paper's sigma_c, in the same units; the paper draws it from [0, 0.06].
        mosaic: whether the sensor has a colour mosaic.
        vivid: factor on the noise's differences between the colours, [0, 4]. A colour matrix that makes colours vivid
            makes their noise so. 1 for none.
        smear: width in pixels of the Gaussian blur by which the camera's software smooths these differences, [0, 3]; 0
            for none.
        soften: width of the blur of all of the noise, brightness too, [0, 3]; 0 for none.
        contrast: exponent of the S in the tone curve, [1, 2]; 1 for sRGB's curve alone.
        jpeg: quality 1 to 100, or None for an uncompressed file.

    Shape: y (B, 3, H, W), in [0, 1] -> z, same shape, in [0, 1]
    Raises: ``ValueError`` for parameters out of range and for what is not a colour image in [0, 1].
    """

    shot: Range = (0.0, 0.16)
    read: Range = (0.0, 0.06)
    mosaic: bool = True
    vivid: Range = 1.0
    smear: Range = 0.0
    soften: Range = 0.0
    contrast: Range = 1.0
    jpeg: Range | None = (60, 95)

    def __post_init__(self):
        for name, least, most in LIMITS:
            low, high = pair(getattr(self, name))
            if not least <= low <= high <= most:
                raise ValueError(f"{name} must be in [{least}, {most}], low <= high, got {getattr(self, name)}")
        if self.jpeg is not None:
            Jpeg(self.jpeg)  # checks the quality

    def __call__(self, y: Tensor, generator: Generator | None = None) -> Tensor:
        return self.record(y, generator)[0]

    def record(self, y: Tensor, generator: Generator | None = None) -> tuple[Tensor, Tensor]:
        """The picture and, for training a noise estimator, the level ``sqrt(shot^2 L + read^2)`` at each pixel."""
        check_images(y, "y", channels=3, clean=True)
        if self.mosaic and min(y.shape[-2:]) < 2:
            raise ValueError(f"y must be at least 2 x 2, one cell of the mosaic, got {tuple(y.shape[-2:])}")
        contrast = draw(self.contrast, y, generator).to(y.dtype) if pair(self.contrast) != (1, 1) else 1
        light = to_light(s_curve(y, 1 / contrast))
        shot, read = (draw(value, y, generator).to(y.dtype) for value in (self.shot, self.read))
        level = (shot.square() * light + read.square()).sqrt()
        noise = level * torch.randn(y.shape, generator=generator, device=y.device, dtype=y.dtype)
        if self.mosaic:
            noise = demosaic(noise * bayer(noise))
        if pair(self.vivid) != (1, 1) or pair(self.smear) != (0, 0):
            grey = (noise * noise.new_tensor(GREY).view(3, 1, 1)).sum(1, keepdim=True)
            colour = blur(noise - grey, draw(self.smear, y, generator))
            noise = grey + draw(self.vivid, y, generator).to(y.dtype) * colour
        if pair(self.soften) != (0, 0):
            noise = blur(noise, draw(self.soften, y, generator))
        z = s_curve(to_picture((light + noise).clamp(0, 1)), contrast)
        return (z if self.jpeg is None else Jpeg(self.jpeg)(z, generator)), level


def to_light(y: Tensor) -> Tensor:
    """Undo the tone curve of sRGB: [0, 1] -> [0, 1], about ``y^2.2``."""
    return torch.where(y <= 0.04045, y / 12.92, ((y.clamp(min=0) + 0.055) / 1.055) ** 2.4)


def to_picture(light: Tensor) -> Tensor:
    """The tone curve of sRGB, about ``L^(1/2.2)``: steep in the shadows, where it stretches the noise too."""
    return torch.where(light <= 0.0031308, 12.92 * light, 1.055 * light.clamp(min=1e-8) ** (1 / 2.4) - 0.055)


def s_curve(v: Tensor, contrast: float | Tensor) -> Tensor:
    """``v^p / (v^p + (1 - v)^p)``: flat at both ends for a contrast p above 1, undone by that of 1 / p.

    Shape: v of any shape, cut to [0, 1]; contrast > 0, a number or a tensor that broadcasts to v -> v's, in [0, 1]
    """
    if isinstance(contrast, (int, float)) and contrast == 1:
        return v
    v = v.clamp(0, 1)
    up, down = v**contrast, (1 - v) ** contrast
    return up / (up + down)


def bayer(like: Tensor) -> Tensor:
    """1 where the sensor (rows R G R G ..., G B G B ...) measures a colour, else 0: (3, H, W)."""
    height, width = like.shape[-2:]
    odd_row = (torch.arange(height, device=like.device) % 2).view(-1, 1)
    odd_column = torch.arange(width, device=like.device) % 2
    red, blue = (1 - odd_row) * (1 - odd_column), odd_row * odd_column
    return torch.stack([red, 1 - red - blue, blue]).to(like.dtype)


def demosaic(mosaic: Tensor) -> Tensor:
    """Bilinear interpolation of the colours that a pixel did not measure (they are 0): (B, 3, H, W) -> the same."""
    near = mosaic.new_tensor([[0, 1, 0], [1, 4, 1], [0, 1, 0]]) / 4  # green has four neighbours
    far = mosaic.new_tensor([[1, 2, 1], [2, 4, 2], [1, 2, 1]]) / 4  # red and blue have two or four
    kernels = torch.stack([far, near, far]).unsqueeze(1)
    # a reflected border keeps the mosaic's rhythm
    return F.conv2d(F.pad(mosaic, (1, 1, 1, 1), mode="reflect"), kernels, groups=3)


def blur(x: Tensor, width: Tensor) -> Tensor:
    """Gaussian blur of a width of its own for each image, in pixels: (B, C, H, W), (B, 1, 1, 1) -> (B, C, H, W)."""
    reach = 6  # twice the largest width
    steps = torch.arange(-reach, reach + 1, device=x.device)
    weights = torch.exp(-steps.square() / (2 * width.view(-1, 1).clamp(min=1e-2).square()))
    weights = (weights / weights.sum(1, keepdim=True)).to(x.dtype).repeat_interleave(x.shape[1], dim=0)
    planes = F.pad(x.flatten(0, 1)[None], [reach] * 4, mode="replicate")  # each image and channel a group of its own
    planes = F.conv2d(planes, weights[:, None, :, None], groups=len(weights))
    return F.conv2d(planes, weights[:, None, None, :], groups=len(weights)).view_as(x)
