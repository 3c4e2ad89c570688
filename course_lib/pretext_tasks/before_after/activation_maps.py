"""Class activation maps: where in the picture does the classifier see its class?

A classifier that ends in a mean over the last volume and one dense layer can be read backwards for free: the dense
layer, applied to every cell of the volume instead of to their mean, says what each cell contributes.

Zhou et al., "Learning Deep Features for Discriminative Localization", CVPR 2016, https://arxiv.org/abs/1512.04150
Chapter: book/pretext_tasks/before_after.ipynb
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ..._checks import check_images


class BeforeAfterClassifier(nn.Module):
    """Four 3 x 3 convolutions, two of them with stride 2, the mean over the last volume, one dense layer.

    Args:
        classes: 2, or 3 with a class for the background alone.
        width: filters of the first stage; the second has twice as many.

    Shape: (B, 3, H, W), float in [0, 1] -> (B, classes); ``forward_features``: (B, 2 width, H / 4, W / 4)
    Raises: ``ValueError`` for what is no batch of colour images.
    """

    def __init__(self, classes: int = 2, width: int = 16):
        super().__init__()
        self.body = nn.Sequential(
            *conv_bn_relu(3, width, stride=2),
            *conv_bn_relu(width, 2 * width),
            *conv_bn_relu(2 * width, 2 * width, stride=2),
            *conv_bn_relu(2 * width, 2 * width),
        )
        self.head = nn.Linear(2 * width, classes)

    def forward_features(self, x: Tensor) -> Tensor:
        """The last volume, whose cells the maps are made of."""
        check_images(x, "x", channels=3)
        return self.body((x - 0.45) / 0.25)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.forward_features(x).mean(dim=(2, 3)))


def conv_bn_relu(channels: int, filters: int, stride: int = 1) -> tuple[nn.Module, ...]:
    """A 3 x 3 convolution, batch norm and ReLU."""
    convolution = nn.Conv2d(channels, filters, 3, stride, padding=1, bias=False)
    return convolution, nn.BatchNorm2d(filters), nn.ReLU()


def class_activation_map(features: Tensor, head: nn.Linear, target: int) -> Tensor:
    """``M(i, j) = sum_c (w_c - mean of w_c over the classes) f_c(i, j)``, and the same of the bias.

    The mean over all cells is the class's logit minus the mean logit. Softmax does not notice what all classes have in
    common, so it must not be in the map either.

    Shape: features (B, C, h, w) -> (B, h, w), in logits
    Raises: ``ValueError`` for other shapes, or a target that is no class of ``head``.
    """
    if features.ndim != 4 or features.shape[1] != head.in_features:
        raise ValueError(f"features must be (B, {head.in_features}, h, w), got {tuple(features.shape)}")
    if not 0 <= target < head.out_features:
        raise ValueError(f"target must be one of {head.out_features} classes, got {target}")
    weight = head.weight[target] - head.weight.mean(0)
    bias = head.bias[target] - head.bias.mean()
    return torch.einsum("bchw,c->bhw", features, weight) + bias


def evidence(maps: Tensor, size: tuple[int, int]) -> Tensor:
    """What speaks *for* the class, from 0 to 1 in each picture: enlarged to ``size``, clipped at 0, over the maximum.

    Shape: (B, h, w) -> (B, H, W); a map without a positive cell gives zeros.
    """
    large = F.interpolate(maps[:, None], size=size, mode="bilinear")[:, 0].clamp(min=0)
    return large / large.amax(dim=(1, 2), keepdim=True).clamp(min=1e-12)


def pseudo_masks(maps: Tensor, foreground: Tensor, threshold: float = 0.3) -> Tensor:
    """Foreground pixels whose `evidence` exceeds ``threshold``: masks that nobody has drawn.

    Shape: maps (B, h, w), foreground bool (B, H, W) -> bool (B, H, W)
    Raises: ``ValueError`` for a ``threshold`` outside [0, 1), or another number of maps than of foregrounds.
    """
    if not 0 <= threshold < 1:
        raise ValueError(f"threshold must lie in [0, 1), got {threshold}")
    if maps.ndim != 3 or foreground.ndim != 3 or len(maps) != len(foreground):
        raise ValueError(
            "maps and foreground must be (B, h, w) and (B, H, W), "
            f"got {tuple(maps.shape)} and {tuple(foreground.shape)}"
        )
    return foreground & (evidence(maps, foreground.shape[-2:]) > threshold)
