"""The one training loop of the course. Chapter: book/denoising/dncnn.ipynb, which first writes it by hand."""

from .checkpoint import CheckpointError
from .history import History
from .internals import NonFiniteLossError
from .loop import fit
from .optimizers import Muon, adam, sgd
from .schedules import Plateau, constant, one_cycle, ramp_down, step_decay, warm_restart

__all__ = [
    "CheckpointError",
    "History",
    "Muon",
    "NonFiniteLossError",
    "Plateau",
    "adam",
    "constant",
    "fit",
    "one_cycle",
    "ramp_down",
    "sgd",
    "step_decay",
    "warm_restart",
]
