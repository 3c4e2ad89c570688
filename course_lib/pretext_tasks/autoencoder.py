"""The oldest self-made task: squeeze a picture through a narrow place, and paint it again.

Hinton and Salakhutdinov, Science 2006, https://doi.org/10.1126/science.1127647
Chapter: book/pretext_tasks/why_self_supervision.ipynb
"""

from torch import Tensor, nn
from torch.nn import functional as F


class Autoencoder(nn.Module):
    """``x_hat = g(f(x))``: a backbone, ``code`` numbers for each cell of its last block, and a small painter.

    Args:
        backbone: halves the side twice, such as `NIN`.
        code: channels of the narrow place; 8 of them on 8 x 8 cells are 512 numbers for 3,072.
        width: channels of the painter.

    Shape: (B, C, H, W), float in [0, 1], H and W multiples of 4 -> (B, C, H, W)
    """

    def __init__(self, backbone: nn.Module, code: int = 8, width: int = 32):
        super().__init__()
        self.backbone = backbone
        self.narrow = nn.Conv2d(backbone.widths[-1], code, 1)
        self.painter = nn.Sequential(
            *_conv(code, width), nn.Upsample(scale_factor=2), *_conv(width, width), nn.Upsample(scale_factor=2),
            *_conv(width, width // 2), nn.Conv2d(width // 2, backbone.channels, 3, padding=1),
        )  # fmt: skip

    def forward(self, x: Tensor) -> Tensor:
        return self.painter(self.narrow(self.backbone(x))) + 0.45


def reconstruction_loss(model: nn.Module, x: Tensor) -> Tensor:
    """``mean (x_hat - x)^2``."""
    return F.mse_loss(model(x), x)


def _conv(before: int, after: int) -> list[nn.Module]:
    return [nn.Conv2d(before, after, 3, padding=1, bias=False), nn.BatchNorm2d(after), nn.ReLU(inplace=True)]
