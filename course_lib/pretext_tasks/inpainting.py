"""Inpainting: paint what was cut out of a picture, by its surroundings.

Pathak et al., "Context Encoders: Feature Learning by Inpainting", CVPR 2016, https://arxiv.org/abs/1604.07379
Chapter: book/pretext_tasks/inpainting.ipynb
"""

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn import functional as F

GREY = 0.45  # what a hole is filled with: about the mean of natural pictures


def centre_hole(size: int, share: float = 0.5) -> Tensor:
    """A square in the middle whose side is ``share`` of the picture's: bool (1, 1, size, size), True where cut out.

    Raises: ``ValueError`` unless ``0 < share < 1`` leaves a hole and a border.
    """
    side = round(share * size)
    if not 0 < side < size:
        raise ValueError(f"share must leave a hole and a border, got {share} of {size} pixels")
    mask = torch.zeros(1, 1, size, size, dtype=torch.bool)
    start = (size - side) // 2
    mask[..., start : start + side, start : start + side] = True
    return mask


def random_holes(batch: int, size: int, side: int, holes: int, generator: torch.Generator) -> Tensor:
    """``holes`` squares of ``side`` pixels in each picture, anywhere inside; they may overlap: (batch, 1, size, size).

    With side 1 single pixels are missing, and every one of them has neighbours left.

    Raises: ``ValueError`` for a square larger than the picture.
    """
    if not 1 <= side <= size or holes < 1:
        raise ValueError(f"1 <= side <= {size} and at least one hole are needed, got side {side}, {holes} holes")
    draw = {"generator": generator, "device": generator.device}
    corner = torch.randint(size - side + 1, (2, batch, holes, 1), **draw)
    pixel = torch.arange(size, device=generator.device)
    inside = ((pixel >= corner) & (pixel < corner + side)).float()  # (2, batch, holes, size): rows, columns
    # a pixel is cut out if some hole has both its row and its column
    return (torch.einsum("bhi,bhj->bij", inside[0], inside[1]) > 0)[:, None]


def cut_out(images: Tensor, mask: Tensor) -> Tensor:
    """The pictures with grey where the mask is True: (B, 3, H, W), (B or 1, 1, H, W) -> (B, 3, H, W)."""
    return torch.where(mask, torch.full_like(images, GREY), images)


class ChannelwiseDense(nn.Module):
    """``y[c, i] = sum_j W[c, i, j] x[c, j] + b[c, i]``: every cell of a map reaches every other, map by map.

    A convolution carries what it sees by a cell or two; here the middle of a hole hears of all of its border at once. A
    dense layer over all maps together would need ``channels`` times the weights.

    Shape: (B, channels, side, side), of that side only -> the same
    """

    def __init__(self, channels: int, side: int):
        super().__init__()
        cells = side * side
        self.weight = nn.Parameter(torch.randn(channels, cells, cells) / cells**0.5)
        self.bias = nn.Parameter(torch.zeros(channels, cells))

    def forward(self, x: Tensor) -> Tensor:
        flat = x.flatten(2)
        return (torch.einsum("cij,bcj->bci", self.weight, flat) + self.bias).view_as(x)


class ContextEncoder(nn.Module):
    """``z + paint(across(trunk(z)))`` for a picture z with a hole: look, carry it across, paint the difference.

    Args:
        trunk: `NIN`, or anything with ``widths`` and a volume of a quarter of the side as output.
        size: side of the pictures; the dense layer in the middle is made for it. A multiple of 4.
        start: (pictures, mask) -> z, what the hole holds at first; the paper's grey, or such as `membrane`.

    Shape: (B, 3, size, size) in [0, 1] -> (B, 3, size, size), about [0, 1]
    Raises: ``ValueError`` for pictures of another size.
    """

    def __init__(self, trunk: nn.Module, size: int, start: Callable[[Tensor, Tensor], Tensor] = cut_out):
        super().__init__()
        width = trunk.widths[-1]
        self.trunk, self.size, self.start = trunk, size, start
        self.across = nn.Sequential(ChannelwiseDense(width, size // 4), nn.ReLU(), _layer(width, width))
        self.paint = nn.Sequential(
            _layer(width, width),
            nn.Upsample(scale_factor=2),
            _layer(width, width // 2),
            nn.Upsample(scale_factor=2),
            _layer(width // 2, width // 4),
            nn.Conv2d(width // 4, 3, 3, padding=1),
        )
        # an untrained network leaves the picture as it is
        nn.init.zeros_(self.paint[-1].weight)
        nn.init.zeros_(self.paint[-1].bias)

    def forward(self, pictures: Tensor) -> Tensor:
        if pictures.shape[-2:] != (self.size, self.size):
            raise ValueError(f"pictures must be {self.size} pixels a side, got shape {tuple(pictures.shape)}")
        return pictures + self.paint(self.across(self.trunk(pictures)))

    @torch.no_grad()
    def fill(self, pictures: Tensor, mask: Tensor) -> Tensor:
        """The pictures with the hole painted, everything else as it was; values clipped to [0, 1]."""
        return torch.where(mask, self(self.start(pictures, mask)).clamp(0, 1), pictures)


class Critic(nn.Module):
    """Is it a photograph or painted? Four convolutions of stride 2, then one number: (B, 3, H, W) -> (B,)."""

    def __init__(self, width: int = 16):
        super().__init__()
        widths = [3, width, 2 * width, 4 * width, 4 * width]
        layers = []
        for before, after in zip(widths[:-1], widths[1:], strict=True):
            layers += [nn.Conv2d(before, after, 4, stride=2, padding=1), nn.LeakyReLU(0.2)]
        self.layers, self.head = nn.Sequential(*layers), nn.Linear(widths[-1], 1)

    def forward(self, pictures: Tensor) -> Tensor:
        return self.head(self.layers(pictures - GREY).mean(dim=(2, 3)))[:, 0]


class PaintedAndJudged(nn.Module):
    """A painter and its critic in one module, so that one loop trains both; as a function it is the painter.

    Args:
        painter: a `ContextEncoder`.
        critic: a `Critic`.
        share: of the adversarial loss; the rest is `hole_loss`. The paper takes 0.001.
    """

    def __init__(self, painter: ContextEncoder, critic: Critic, share: float = 0.001):
        super().__init__()
        self.painter, self.critic, self.share = painter, critic, share

    def forward(self, pictures: Tensor) -> Tensor:
        return self.painter(pictures)

    def fill(self, pictures: Tensor, mask: Tensor) -> Tensor:
        """`ContextEncoder.fill` of the painter."""
        return self.painter.fill(pictures, mask)

    def loss(self, pictures: Tensor, mask: Tensor) -> Tensor:
        """``(1 - share) hole_loss + share painter + critic``, the last two from `adversarial_loss`."""
        painted = self(self.painter.start(pictures, mask))
        # what is not in the hole is known, to the critic as well
        fooling, mistakes = adversarial_loss(self.critic, torch.where(mask, painted, pictures), pictures)
        return (1 - self.share) * hole_loss(painted, pictures, mask) + self.share * fooling + mistakes


def hole_loss(painted: Tensor, pictures: Tensor, mask: Tensor) -> Tensor:
    """``sum m (x_hat - x)^2 / sum m``: mean squared error, in the hole alone. Shape: (B, 3, H, W), mask -> scalar."""
    mask = mask.expand_as(pictures)
    return (mask * (painted - pictures)).square().sum() / mask.sum()


def adversarial_loss(critic: nn.Module, painted: Tensor, pictures: Tensor) -> tuple[Tensor, Tensor]:
    """What the painter pays for being found out, and what the critic pays for its mistakes.

    ``painter = -log D(x_hat)`` and ``critic = -log D(x) - log(1 - D(x_hat))`` with ``D = sigmoid(critic)``. Each has a
    gradient for its own side alone, so their sum can be minimised by one optimiser.

    Shape: (B, 3, H, W) twice -> two scalars
    Goodfellow et al., NeurIPS 2014, https://arxiv.org/abs/1406.2661
    """
    fixed = {name: value.detach() for name, value in critic.named_parameters()}
    painter = F.softplus(-functional_call(critic, fixed, (painted,))).mean()
    mistakes = F.softplus(-critic(pictures)).mean() + F.softplus(critic(painted.detach())).mean()
    return painter, mistakes


def _layer(before: int, after: int) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(before, after, 3, padding=1, bias=False), nn.BatchNorm2d(after), nn.ReLU())
