"""The one training loop of the course. Chapter: book/denoising/dncnn.ipynb, which first writes it by hand."""

from .checkpoint import CheckpointError
from .fit import fit
from .history import History
from .optimizers import Muon, adam, sgd
from .parts import NonFiniteLossError
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
