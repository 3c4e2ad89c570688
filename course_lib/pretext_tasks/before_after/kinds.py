"""What a pixel of the conveyor can show. Chapter: book/pretext_tasks/before_after.ipynb"""

from torch import Tensor

KINDS = ("belt", "biscuit", "stone", "twig", "leaf", "broken biscuit", "hand")
BELT, BISCUIT, STONE, TWIG, LEAF, BROKEN, HAND = range(7)
BEFORE, REACHING, AFTER = range(3)


def anomalies(kinds: Tensor) -> Tensor:
    """The exact mask of what should not lie on the belt: bool, in the shape of ``kinds``."""
    return (kinds >= STONE) & (kinds <= BROKEN)


def items(kinds: Tensor) -> Tensor:
    """The exact mask of all that lies on the belt, good or bad: bool, in the shape of ``kinds``."""
    return (kinds >= BISCUIT) & (kinds <= BROKEN)
