"""Distance in pixel space: how far two pictures are apart, and what lies at equal distance.

Chapter: book/metric_learning/identification.ipynb
"""

from torch import Tensor

from .._checks import check_images, check_same_shape


def at_distance(reference: Tensor, other: Tensor, distance: float) -> Tensor:
    """The picture on the straight way from ``reference`` to ``other`` that is ``distance`` away from ``reference``.

    ``x = r + distance / |o - r| (o - r)`` with ``|x| = sqrt(mean x^2)``, the root mean square over the pixels; as a
    point between two pictures it is a picture too, in [0, 1].

    Shape: two (B, C, H, W) in [0, 1] -> the same, float64
    Raises: ``ValueError`` where ``other`` is not that far away.
    """
    check_images(reference, "reference", clean=True)
    check_images(other, "other", clean=True)
    check_same_shape(reference, other, "reference and other")
    r, o = reference.double(), other.double()
    whole = pixel_distance(r, o).view(-1, 1, 1, 1)
    if distance < 0 or (whole < distance * (1 - 1e-6)).any():  # float32 rounds the caller's distance
        raise ValueError(f"distance must be in [0, {whole.min().item():.4g}], how far other is, got {distance:.4g}")
    return r + distance / whole.clamp(min=1e-12) * (o - r)


def pixel_distance(a: Tensor, b: Tensor) -> Tensor:
    """``sqrt(mean (a - b)^2)`` over the pixels: the Euclidean distance, divided by the root of their number.

    Shape: (B, C, H, W), (B or 1, C, H, W), float -> (B,)
    Raises: ``ValueError`` for integers, which wrap around, and for other shapes.
    """
    if not (a.is_floating_point() and b.is_floating_point()):
        raise ValueError(f"pictures must be floating point in [0, 1], got {a.dtype} and {b.dtype}")
    if a.ndim != 4 or a.shape[1:] != b.shape[1:] or len(b) not in (1, len(a)):
        raise ValueError(f"pictures must be (B, C, H, W) and (B or 1, C, H, W), got {tuple(a.shape)}, {tuple(b.shape)}")
    return (a - b).square().flatten(1).mean(1).sqrt()
