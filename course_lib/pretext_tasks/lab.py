"""CIE Lab: lightness in one channel, colour in the other two, on the device.

Chapter: book/pretext_tasks/colourization.ipynb
"""

import torch
from torch import Tensor

from .._checks import check_images

# linear sRGB -> XYZ, and the white of daylight (D65) seen by the observer of 1931: IEC 61966-2-1
TO_XYZ = torch.tensor([[0.412453, 0.357580, 0.180423], [0.212671, 0.715160, 0.072169], [0.019334, 0.119193, 0.950227]])
WHITE = torch.tensor([0.95047, 1.0, 1.08883])
EDGE = 6 / 29  # below it, the cube root becomes a line


def rgb_to_lab(rgb: Tensor) -> Tensor:
    """sRGB -> lightness L and colours a (green to red), b (blue to yellow), as scikit-image's ``rgb2lab``.

    Shape: (B, 3, H, W) in [0, 1] -> (B, 3, H, W); L in [0, 100], a and b about -108 ... 98 for colours of a screen
    Raises: ``ValueError`` for what is no colour image in [0, 1].

    Example:
        >>> rgb_to_lab(torch.ones(1, 3, 1, 1)).flatten().round().abs().tolist()
        [100.0, 0.0, 0.0]
    """
    check_images(rgb, "rgb", channels=3, clean=True)
    linear = torch.where(rgb > 0.04045, ((rgb.clamp(min=0.04045) + 0.055) / 1.055) ** 2.4, rgb / 12.92)
    xyz = torch.einsum("dc,nchw->ndhw", (TO_XYZ / WHITE[:, None]).to(rgb), linear)
    # the clamp keeps the gradient of the branch that is not taken finite
    x, y, z = torch.where(xyz > EDGE**3, xyz.clamp(min=EDGE**3) ** (1 / 3), xyz / (3 * EDGE**2) + 4 / 29).unbind(1)
    return torch.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], dim=1)


def lab_to_rgb(lab: Tensor) -> Tensor:
    """The way back, clipped to what a screen can show: an (L, a, b) from two sources need not be a colour.

    Shape: (B, 3, H, W) as from `rgb_to_lab` -> (B, 3, H, W), sRGB in [0, 1]
    Raises: ``ValueError`` for another shape or dtype.
    """
    if lab.ndim != 4 or lab.shape[1] != 3 or not lab.is_floating_point():
        raise ValueError(f"lab must be float (B, 3, H, W), got {lab.dtype} of shape {tuple(lab.shape)}")
    lightness, a, b = lab.unbind(1)
    y = (lightness + 16) / 116
    f = torch.stack([y + a / 500, y, (y - b / 200).clamp(min=0)], dim=1)
    xyz = torch.where(f > EDGE, f**3, 3 * EDGE**2 * (f - 4 / 29))
    matrix = torch.linalg.inv(TO_XYZ.double()).float() * WHITE
    linear = torch.einsum("dc,nchw->ndhw", matrix.to(lab), xyz)
    rgb = torch.where(linear > 0.0031308, 1.055 * linear.clamp(min=0.0031308) ** (1 / 2.4) - 0.055, 12.92 * linear)
    return rgb.clamp(0, 1)
