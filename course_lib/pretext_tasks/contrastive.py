"""SimCLR: find the other view of the same picture among all views of all others.

Chen, Kornblith, Norouzi, Hinton, "A Simple Framework for Contrastive Learning of Visual Representations", ICML 2020,
https://arxiv.org/abs/2002.05709
Chapter: book/pretext_tasks/exemplars_and_contrast.ipynb
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .._checks import check_same_device, check_same_shape


class ProjectionHead(nn.Module):
    """Dense, batch norm, ReLU, dense: what the loss sees, and what is thrown away after the pretext.

    It may forget what the views differ in (colour, place), so that the features before it need not.

    Args:
        features: of the backbone.
        hidden: units in between.
        dims: of the embedding.

    Shape: (B, features) -> (B, dims)
    """

    def __init__(self, features: int, hidden: int = 256, dims: int = 128):
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(features, hidden, bias=False), nn.BatchNorm1d(hidden), nn.ReLU(), nn.Linear(hidden, dims)
        )

    def forward(self, x: Tensor) -> Tensor:
        return self.layers(x)


class Projected(nn.Module):
    """A backbone, the mean of every map of its last block, and a projection head.

    Args:
        backbone: with ``widths`` and a volume as output, such as `NIN`.
        head: from (B, widths[-1]) to (B, dims); by default a `ProjectionHead`.

    Shape: (B, C, H, W), float in [0, 1] -> (B, dims)
    """

    def __init__(self, backbone: nn.Module, head: nn.Module | None = None):
        super().__init__()
        self.backbone = backbone
        self.head = head or ProjectionHead(backbone.widths[-1])

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.backbone(x).mean(dim=(2, 3)))


def both_views(model: nn.Module, views: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
    """Embeddings of two batches of views, computed as one batch, so that batch norm treats them alike."""
    a, b = model(torch.cat(views)).chunk(2)
    return a, b


def nt_xent(a: Tensor, b: Tensor, temperature: float = 0.5) -> Tensor:
    """``mean over all 2B views i of -log( exp(s_ip / T) / sum_(j != i) exp(s_ij / T) )``, ``s`` the cosine, p the twin.

    A classification with as many classes as there are other views: which of them shows the same picture? Row i of a and
    row i of b do; all others are negatives. The lower the temperature, the more the nearest of them count.

    Shape: two (B, D) -> scalar, computed in at least float32
    Raises: ``ValueError`` unless both are (B, D) of one shape and device, and ``temperature > 0``.
    """
    check_pair(a, b)
    if not temperature > 0:
        raise ValueError(f"temperature must be positive, got {temperature}")
    with torch.autocast(a.device.type, enabled=False):
        precise = torch.promote_types(a.dtype, torch.float32)
        views = F.normalize(torch.cat([a, b]).to(precise), dim=1)
        similarity = views @ (views / temperature).T
        # in place: the matrix is the largest thing here, and its product needs it no more
        similarity.fill_diagonal_(-torch.inf)
        twin = torch.arange(len(views), device=a.device).roll(len(a))
        return F.cross_entropy(similarity, twin)


def alignment_loss(a: Tensor, b: Tensor) -> Tensor:
    """``mean (1 - s_ii)``: NT-Xent's attraction without its repulsion. One constant vector for all pictures is perfect.

    Shape: two (B, D) -> scalar
    Raises: ``ValueError`` unless both are (B, D) of one shape and device.
    """
    check_pair(a, b)
    return (1 - F.cosine_similarity(a, b, dim=1)).mean()


def twins_found(a: Tensor, b: Tensor) -> float:
    """Percent of all 2B views whose nearest other view, by the cosine, is their twin: the pretext's accuracy.

    Shape: two (B, D) -> number
    """
    views = F.normalize(torch.cat([a, b]).detach().float(), dim=1)
    nearest = (views @ views.T).fill_diagonal_(-torch.inf).argmax(1)
    twin = torch.arange(len(views), device=views.device).roll(len(a))
    return 100 * (nearest == twin).float().mean().item()


def spread(embedding: Tensor) -> float:
    """``sqrt(D)`` times the mean standard deviation of the directions: 1 if spread evenly, 0 if collapsed.

    Shape: (B, D) -> number. Chen and He, SimSiam, CVPR 2021, https://arxiv.org/abs/2011.10566
    """
    directions = F.normalize(embedding.detach().float(), dim=1)
    return (directions.std(0).mean() * directions.shape[1] ** 0.5).item()


def check_pair(a: Tensor, b: Tensor) -> None:
    """Raise ``ValueError`` unless a and b are two float batches (B, D) of one shape and device."""
    for name, x in (("a", a), ("b", b)):
        if x.ndim != 2 or not x.is_floating_point() or not x.numel():
            raise ValueError(f"{name} must be a batch of embeddings (B, D), got {tuple(x.shape)} {x.dtype}")
    check_same_shape(a, b, "a and b")
    check_same_device(a, b, "a", "b")
