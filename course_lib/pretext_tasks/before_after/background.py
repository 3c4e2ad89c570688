"""Taking the background away, without annotation: what stays the same in all pictures of one camera is background.

Chapter: book/pretext_tasks/before_after.ipynb
"""

import torch
from torch import Tensor
from torch.nn import functional as F


def empty_station(images: Tensor, rounds: int = 3) -> Tensor:
    """Many pictures of one camera -> what it sees when the belt is empty.

    Items come and go, so the median over the pictures shows the belt; where items are frequent it is a little too
    bright. So it is taken again, without what `foreground` finds by means of the last one.

    Shape: (B, 3, H, W), float in [0, 1] -> (3, H, W)
    """
    empty = images.median(0).values
    for _ in range(rounds - 1):
        covered = foreground(images, empty)[:, None]
        # a pixel that no picture shows uncovered keeps what it had
        bare = images.masked_fill(covered, torch.nan).nanmedian(0).values
        empty = torch.where(bare.isnan(), empty, bare)
    return empty


def flatten_field(images: Tensor, empty: Tensor) -> Tensor:
    """``x / (g e)``, how much brighter each pixel is than the empty station: 1 where nothing lies, whatever the lamp.

    ``g`` is the unsteady strength of the lamp, the median of ``x / e`` over the picture. Photographers and astronomers
    call it the correction of the flat field.

    Shape: images (B, 3, H, W), empty (3, H, W) or (B, 3, H, W) -> (B, 3, H, W), at least 0
    """
    ratio = images / empty.clamp(min=0.02)
    strength = ratio.flatten(1).median(1).values
    return ratio / strength.clamp(min=0.02)[:, None, None, None]


def foreground(images: Tensor, empty: Tensor) -> Tensor:
    """Pixels of another colour than the belt, or much brighter; shadows and seams are neither.

    The flat field, averaged over 3 x 3 pixels, must differ by 0.35 between two colours or exceed 1.2 in all.

    Shape: as `flatten_field` -> bool (B, H, W)
    """
    ratio = flatten_field(images, empty)
    smooth = F.avg_pool2d(ratio, 3, 1, padding=1, count_include_pad=False)
    darkest, brightest = smooth.aminmax(dim=1)
    return (brightest - darkest > 0.35) | (darkest > 1.2)
