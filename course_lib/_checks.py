"""What a public function accepts, said once: every ``ValueError`` names what came and what was expected."""

import torch
from torch import Tensor

# What arithmetic exists for; torch has narrower ones that can only be stored.
FLOATS = (torch.float32, torch.float64, torch.float16, torch.bfloat16)


def check_images(x: Tensor, name: str = "z", *, channels: int | None = None, clean: bool = False) -> None:
    """Raise ``ValueError`` unless ``x`` is a (B, C, H, W) float image batch in [0, 1] (plus noise).

    Rank, dtype and channels are free to check; values are looked at where `extremes` can know them. Nothing is checked
    while a graph is captured.

    Args:
        x: the batch.
        name: how the caller calls it.
        channels: required C, if any.
        clean: values must lie in [0, 1]; otherwise noise may carry them outside, but not to grey levels.
    """
    if torch.compiler.is_compiling() or torch.jit.is_tracing() or isinstance(x, torch.fx.Proxy):
        return
    if not isinstance(x, Tensor):
        raise ValueError(f"{name} must be a torch.Tensor of shape (B, C, H, W), got {type(x).__name__}")
    if x.ndim != 4:
        raise ValueError(f"{name} must have 4 dimensions (B, C, H, W), got shape {tuple(x.shape)}")
    if x.dtype not in FLOATS:
        raise ValueError(f"{name} must be floating point in [0, 1], got {x.dtype}; for uint8 use x.float() / 255")
    if channels is not None and x.shape[1] != channels:
        raise ValueError(f"{name} must have {channels} channel(s), got {x.shape[1]} (shape {tuple(x.shape)})")
    if (known := extremes(x)) is None:
        return
    low, high = known
    if not (abs(low) < float("inf") and abs(high) < float("inf")):  # false for NaN too
        raise ValueError(f"{name} contains NaN or infinite values")
    if clean and (low < -1e-6 or high > 1 + 1e-6):
        raise ValueError(f"{name} must lie in [0, 1], got values in [{low:.3g}, {high:.3g}]{_grey_levels(high)}")
    if not clean and max(-low, high) > 20:
        raise ValueError(
            f"{name} must be an image in [0, 1] plus noise, got values in [{low:.3g}, {high:.3g}]{_grey_levels(high)}"
        )


def extremes(x: Tensor) -> tuple[float, float] | None:
    """The smallest and the largest value of any tensor, NaN if it holds one; None where they cannot be known for free.

    That is on an accelerator, which one would have to wait for, of an empty tensor, and where there are no values yet:
    while a graph is captured or traced, inside of ``vmap``, of a fake tensor.
    """
    if torch.compiler.is_compiling() or torch.jit.is_tracing() or x.device.type != "cpu" or not x.numel():
        return None
    low, high = torch.aminmax(x.detach())
    try:
        return low.item(), high.item()
    except RuntimeError:  # what vmap and fake tensors answer
        return None


def check_members(x: Tensor, allowed: tuple[int, ...], name: str) -> None:
    """Raise ``ValueError`` if a value of ``x`` is none of ``allowed``; looked at where `extremes` looks."""
    if extremes(x) is not None:
        outside = torch.ones_like(x, dtype=torch.bool)
        for value in allowed:
            outside &= x != value
        if outside.any():
            raise ValueError(f"{name} must be one of {', '.join(map(str, allowed))}, got {x[outside][0].item():g}")


def check_classes(labels: Tensor, classes: int, name: str = "labels") -> None:
    """Raise ``ValueError`` unless every label is a whole number from 0 to ``classes - 1``, where `extremes` looks."""
    if known := extremes(labels):
        low, high = known
        if not (low >= 0 and high < classes) or (labels.dtype in FLOATS and labels.frac().any()):
            raise ValueError(f"{name} must be whole numbers from 0 to {classes - 1}, got some in [{low:g}, {high:g}]")


def check_same_shape(a: Tensor, b: Tensor, names: str) -> None:
    """Raise ``ValueError`` unless both tensors have one shape: broadcasting would hide a mistake."""
    if a.shape != b.shape:
        raise ValueError(f"{names} must have the same shape, got {tuple(a.shape)} and {tuple(b.shape)}")


def check_same_device(a: Tensor, b: Tensor, a_name: str, b_name: str) -> None:
    """Raise ``ValueError`` unless both tensors live on one device: a silent move would cost every step."""
    if a.device != b.device:
        raise ValueError(f"{a_name} and {b_name} must be on one device, got {a.device} and {b.device}")


def check_sigma(sigma: float, name: str = "sigma") -> float:
    """A noise level in the unit of the image, [0, 1]; grey levels (25) are refused by name."""
    if not 0 <= sigma <= 1:
        hint = f"; for grey levels of 255 write {sigma:g} / 255" if sigma > 1 else ""
        raise ValueError(f"{name} must be in [0, 1], the unit of the image, got {sigma:g}{hint}")
    return float(sigma)


def check_embeddings(embedding: Tensor, name: str = "embedding", dims: int | None = None) -> None:
    """Raise ``ValueError`` unless ``embedding`` is a (B, D) float tensor, with D = ``dims`` where that is given."""
    if not isinstance(embedding, Tensor) or embedding.ndim != 2:
        got = tuple(embedding.shape) if isinstance(embedding, Tensor) else type(embedding).__name__
        raise ValueError(f"{name} must be a tensor (B, D), got {got}")
    if embedding.dtype not in FLOATS:
        raise ValueError(f"{name} must be floating point, got {embedding.dtype}")
    if dims is not None and embedding.shape[1] != dims:
        raise ValueError(f"{name} must have {dims} dimensions, got {embedding.shape[1]}")


def _grey_levels(high: float) -> str:
    return "; these look like grey levels: divide by 255" if 2 < high <= 256 else ""
