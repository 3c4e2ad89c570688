"""Random views of a picture, a whole batch at once and every picture differently.

A view is a crop, a turn, a mirror image, other colours, perhaps grey, perhaps blurred. All of it is tensor code on the
device of the batch: each picture has a matrix that says where its pixels come from, and another that mixes its colours.

Chapter: book/pretext_tasks/exemplars_and_contrast.ipynb
"""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from .._checks import check_images

LUMA = (0.299, 0.587, 0.114)


@dataclass(frozen=True)
class Views:
    """``views(images, generator)``: one random view of every picture; all of its randomness is the generator's.

    The defaults are SimCLR's for CIFAR-10, where it does without blur. A probability of 0 switches a part off.

    Attributes:
        size: side of a view; by default that of the pictures.
        area: the part of the picture that a crop covers, drawn between the two.
        ratio: width over height of the crop, drawn on a logarithmic scale.
        turn: the crop is turned by up to so many degrees, either way.
        flip: probability of the mirror image.
        jitter: how far brightness, contrast, saturation (factors 1 +- x) and hue (in turns) may go.
        jittered: probability that the colours are changed at all.
        grey: probability that the colours are dropped.
        blur: probability of a Gaussian blur, of ``sigma`` between the two, in pixels.

    Shape: float (B, 3, H, W) in [0, 1] -> (B, 3, size, size) in [0, 1]
    Raises: ``ValueError`` for what is no batch of colour images in [0, 1].
    Chen et al., "SimCLR", ICML 2020, https://arxiv.org/abs/2002.05709
    """

    size: int | None = None
    area: tuple[float, float] = (0.2, 1.0)
    ratio: tuple[float, float] = (3 / 4, 4 / 3)
    turn: float = 0.0
    flip: float = 0.5
    jitter: tuple[float, float, float, float] = (0.4, 0.4, 0.4, 0.1)
    jittered: float = 0.8
    grey: float = 0.2
    blur: float = 0.0
    sigma: tuple[float, float] = (0.1, 2.0)

    def __call__(self, images: Tensor, generator: torch.Generator) -> Tensor:
        check_images(images, "images", channels=3, clean=True)
        count, device = len(images), images.device

        def uniform(low: float = 0.0, high: float = 1.0) -> Tensor:
            u = torch.rand(count, generator=generator, device=generator.device).to(device)
            return low + (high - low) * u

        area, ratio = uniform(*self.area), uniform(*(torch.tensor(self.ratio).log().tolist())).exp()
        half = torch.stack([(area * ratio).sqrt(), (area / ratio).sqrt()], 1).clamp(max=1)
        middle = (1 - half) * torch.stack([uniform(-1, 1), uniform(-1, 1)], 1)
        angle = uniform(-self.turn, self.turn) * torch.pi / 180
        mirror = 1 - 2 * (uniform() < self.flip).to(images.dtype)
        views = crop(images, middle, half, angle, mirror, self.size or images.shape[-1])

        b, c, s, h = self.jitter
        changed = uniform() < self.jittered

        def factor(strength: float) -> Tensor:
            return torch.where(changed, uniform(max(0.0, 1 - strength), 1 + strength), 1.0)

        brightness, contrast, saturation = factor(b), factor(c), factor(s)
        hue = torch.where(changed, uniform(-h, h), 0.0)
        saturation = torch.where(uniform() < self.grey, 0.0, saturation)
        views = recolour(views, brightness, contrast, saturation, hue)
        if self.blur:
            sigma = torch.where(uniform() < self.blur, uniform(*self.sigma), 0.0)
            views = gaussian_blur(views, sigma, radius=round(3 * self.sigma[1]))
        return views


def crop(images: Tensor, middle: Tensor, half: Tensor, angle: Tensor, mirror: Tensor, size: int) -> Tensor:
    """Cut a turned rectangle out of every picture and scale it to ``size`` x ``size``, bilinear, mirrored at borders.

    ``(x, y) = middle + R(angle) (half * (mirror u, v))`` for the place (u, v) of the view, all from -1 to 1.

    Shape: images (B, C, H, W), middle and half (B, 2) as (x, y), angle and mirror (B,) -> (B, C, size, size)
    """
    cos, sin = angle.cos(), angle.sin()
    across, down = half.unbind(1)
    rows = [cos * across * mirror, -sin * down, middle[:, 0], sin * across * mirror, cos * down, middle[:, 1]]
    matrix = torch.stack(rows, 1).view(-1, 2, 3).to(images.dtype)
    grid = F.affine_grid(matrix, (len(images), images.shape[1], size, size), align_corners=False)
    return F.grid_sample(images, grid, mode="bilinear", padding_mode="reflection", align_corners=False)


def recolour(images: Tensor, brightness: Tensor, contrast: Tensor, saturation: Tensor, hue: Tensor) -> Tensor:
    """``c x' + (1 - c) mean``, ``x' = T x``: one 3 x 3 matrix a picture does brightness, saturation and hue together.

    Brightness scales, saturation mixes each colour with its luma (0: grey), hue turns the two colour axes of YIQ (1:
    a whole turn), contrast moves away from the picture's mean luma. torchvision does one after the other, in a random
    order, and turns the hue of HSV; here the result is clipped to [0, 1] once, at the end.

    Shape: images (B, 3, H, W); the others (B,) -> (B, 3, H, W)
    """
    luma = images.new_tensor(LUMA)
    yiq = torch.stack([luma, luma.new_tensor((0.596, -0.274, -0.322)), luma.new_tensor((0.211, -0.523, 0.312))])
    cos, sin = (f(2 * torch.pi * hue).to(images.dtype) for f in (torch.cos, torch.sin))
    one, zero = torch.ones_like(cos), torch.zeros_like(cos)
    turn = torch.stack([one, zero, zero, zero, cos, -sin, zero, sin, cos], 1).view(-1, 3, 3)
    scale = torch.stack([one, saturation, saturation], 1).to(images.dtype)
    matrix = brightness[:, None, None] * (torch.linalg.inv(yiq) @ (turn * scale[:, :, None]) @ yiq)
    mixed = (matrix @ images.flatten(2)).view_as(images)
    mean = torch.einsum("bchw,c->b", mixed, luma)[:, None, None, None] / mixed[0, 0].numel()
    return torch.lerp(mean, mixed, contrast[:, None, None, None].to(images.dtype)).clamp(0, 1)


def gaussian_blur(images: Tensor, sigma: Tensor, radius: int) -> Tensor:
    """Blur every picture with its own ``sigma`` in pixels; 0 leaves it as it is. Mirrored at the borders.

    Shape: images (B, C, H, W), sigma (B,) -> (B, C, H, W)
    """
    batch, channels = images.shape[:2]
    offset = torch.arange(-radius, radius + 1, device=images.device)
    kernel = torch.exp(-0.5 * (offset / sigma.clamp(min=1e-3)[:, None]).square())
    kernel = (kernel / kernel.sum(1, keepdim=True)).to(images.dtype).repeat_interleave(channels, 0)[:, None]
    # one group for each channel of each picture, so that each meets its own kernel
    x = F.pad(images, [radius] * 4, mode="reflect").flatten(0, 1)[None]
    x = F.conv2d(F.conv2d(x, kernel[:, :, None], groups=len(kernel)), kernel[..., None], groups=len(kernel))
    return x.view(batch, channels, *images.shape[2:])
