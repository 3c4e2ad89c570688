"""Learning from positive pairs alone, without collapse.

Chapter: book/pretext_tasks/without_negatives.ipynb
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .contrastive import check_pair


def vicreg_loss(
    a: Tensor, b: Tensor, invariance: float = 25.0, variance: float = 25.0, covariance: float = 1.0
) -> Tensor:
    """``l |a - b|^2 / (B D) + m/2 (v(a) + v(b)) + n (c(a) + c(b))``: alike, but spread, and in all directions.

    ``v(z) = mean_d max(0, 1 - std_d)`` keeps every dimension alive, which rules out a constant; ``c(z) = sum of squared
    covariances of different dimensions / D`` keeps them from saying the same, which rules out a line.

    Shape: two (B, D), B at least 2 -> scalar
    Raises: ``ValueError`` for other shapes, or fewer than two rows.
    Bardes, Ponce, LeCun, "VICReg", ICLR 2022, https://arxiv.org/abs/2105.04906
    """
    similar, spread, independent = vicreg_terms(a, b)
    return invariance * similar + variance * spread + covariance * independent


def vicreg_terms(a: Tensor, b: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Invariance, variance and covariance, unweighted, as in `vicreg_loss`."""
    _check_two(a, b)
    similar = (a - b).square().mean()
    a, b = a - a.mean(0), b - b.mean(0)
    spread = (_hinge(a) + _hinge(b)) / 2
    return similar, spread, _off_diagonal(a) + _off_diagonal(b)


def barlow_twins_loss(a: Tensor, b: Tensor, redundancy: float = 5e-3) -> Tensor:
    """``sum_d (1 - C_dd)^2 + l sum_(d != e) C_de^2``: the views' cross-correlation should be the identity.

    ``C = A^T B / B`` of embeddings whose every dimension is standardised over the batch. A constant cannot be.

    Shape: two (B, D), B at least 2 -> scalar
    Raises: ``ValueError`` for other shapes, or fewer than two rows.
    Zbontar et al., "Barlow Twins", ICML 2021, https://arxiv.org/abs/2103.03230
    """
    _check_two(a, b)
    a, b = (F.batch_norm(x, None, None, training=True) for x in (a, b))
    correlation = a.T @ b / len(a)
    on = correlation.diagonal()
    off = correlation.square().sum() - on.square().sum()
    return (1 - on).square().sum() + redundancy * off


def stop_gradient_loss(a: Tensor, b: Tensor, predict: nn.Module) -> Tensor:
    """``-1/2 mean cos(h(a), [b]) - 1/2 mean cos(h(b), [a])``, where ``[.]`` lets no gradient through (SimSiam).

    Its minimum is a constant as well, and yet training does not go there.

    Shape: two (B, D), ``predict`` from (B, D) to (B, D) -> scalar
    Raises: ``ValueError`` for other shapes, or fewer than two rows.
    Chen, He, "Exploring Simple Siamese Representation Learning", CVPR 2021, https://arxiv.org/abs/2011.10566
    """
    _check_two(a, b)
    similarity = F.cosine_similarity(predict(a), b.detach(), dim=1) + F.cosine_similarity(predict(b), a.detach(), dim=1)
    return -similarity.mean() / 2


def effective_rank(embedding: Tensor) -> float:
    """``exp(-sum_k p_k log p_k)``, ``p`` the singular values over their sum: how many dimensions are really used.

    1 if all embeddings lie on a line, D if they are spread evenly over all directions. Moved to their mean first.

    Shape: (B, D) -> number. Roy and Vetterli, EUSIPCO 2007; as a measure of collapse: Garrido et al., ICML 2023.
    """
    values = torch.linalg.svdvals(embedding.detach().float() - embedding.detach().float().mean(0))
    share = values / values.sum().clamp(min=1e-12)
    return torch.special.entr(share).sum().exp().item()


def _hinge(centred: Tensor) -> Tensor:
    std = (centred.square().sum(0) / (len(centred) - 1) + 1e-4).sqrt()
    return (1 - std).clamp(min=0).mean()


def _off_diagonal(centred: Tensor) -> Tensor:
    covariance = centred.T @ centred / (len(centred) - 1)
    squares = covariance.square()
    return (squares.sum() - squares.diagonal().sum()) / len(covariance)


def _check_two(a: Tensor, b: Tensor) -> None:
    check_pair(a, b)
    if len(a) < 2:
        raise ValueError(f"a and b must hold at least two rows, whose spread counts, got {len(a)}")
