"""Where a chapter runs: one call sets the seed and picks the device, the precision and the scale.

Chapter: book/getting_started.md
"""

import ctypes
import os
import random
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import numpy as np
import torch

from . import __version__

PROFILES = ("smoke", "quick", "full")
T = TypeVar("T")


@dataclass(frozen=True)
class Run:
    """What `start` decided; a chapter asks it for scales, generators and its last line.

    Attributes:
        profile: ``smoke`` (seconds, every line runs), ``quick`` (two CPU cores, honest results),
            ``full`` (one GPU, the paper's scale).
        device: where tensors live.
        precision: ``no`` | ``bf16`` | ``fp16``, for mixed-precision training.
        seed: what every random generator of the chapter starts from.
    """

    profile: str
    device: torch.device
    precision: str
    seed: int
    # Two runs that differ in nothing else are equal: a checkpoint may be continued tomorrow.
    began: float = field(default_factory=time.perf_counter, compare=False)

    def pick(self, *, smoke: T, quick: T, full: T) -> T:
        """The value for this run's profile: the only way a chapter depends on where it runs.

        >>> Run("quick", torch.device("cpu"), "no", seed=0).pick(smoke=5, quick=1_500, full=20_000)
        1500
        """
        return {"smoke": smoke, "quick": quick, "full": full}[self.profile]

    def generator(self, offset: int = 0) -> torch.Generator:
        """A fresh generator on the device, seeded with ``seed + offset``."""
        return torch.Generator(self.device).manual_seed(self.seed + offset)

    def checkpoint(self, name: str) -> Path:
        """Where a long training of this chapter is saved, so that it goes on after a disconnect.

        The folder is ``COURSE_RUNS`` (on Colab, point it to a mounted Drive), else ``runs`` beside the notebook.
        """
        return Path(os.environ.get("COURSE_RUNS") or "runs").expanduser() / f"{name}-{self.profile}.pt"

    def summary(self) -> str:
        """The last line of a chapter: where it ran, at which scale, with what, and for how long."""
        device = torch.cuda.get_device_name() if self.device.type == "cuda" else self.device.type
        if self.device.type == "cpu":
            threads = torch.get_num_threads()
            device += f" ({threads} thread{'s' * (threads > 1)})"
        return (
            f"Ran on {device}, profile {self.profile}, precision {self.precision}, "
            f"torch {torch.__version__.split('+')[0]}, course_lib {__version__}, "
            f"in {time.perf_counter() - self.began:.0f} s"
        )


def start(seed: int = 0, minutes: dict[str, float] | None = None, measured_on: str | None = None) -> Run:
    """Seed everything, choose device, precision and profile, and say so in one line.

    The profile is ``COURSE_PROFILE`` if set, else ``full`` on a GPU and ``quick`` on a CPU.

    Args:
        seed: for Python, numpy and torch.
        minutes: how long the chapter takes per profile; printed as the expected time.
        measured_on: the GPU on which ``full`` was timed. Without one its minutes are an estimate, and the line says so.

    Raises:
        ValueError: if ``COURSE_PROFILE`` is none of ``smoke``, ``quick``, ``full``.
    """
    device = pick_device()
    profile = os.environ.get("COURSE_PROFILE") or ("quick" if device.type == "cpu" else "full")
    if profile not in PROFILES:
        raise ValueError(f"COURSE_PROFILE must be one of {', '.join(PROFILES)}, got {profile!r}")
    seed_everything(seed)
    keep_freed_memory()
    run = Run(profile, device, pick_precision(device), seed)
    time_hint = f"; expect about {minutes[profile]:g} min" if minutes and profile in minutes else ""
    if time_hint and profile == "full":
        time_hint += f" (measured on {measured_on})" if measured_on else " (an estimate: full has not run on a GPU yet)"
    print(f"Profile {profile} on {device.type}, precision {run.precision}, seed {seed}{time_hint}.")
    if device.type == "cpu" and "COLAB_RELEASE_TAG" in os.environ:
        print("No GPU: Runtime > Change runtime type > T4 GPU makes this chapter many times faster.")
    return run


def keep_freed_memory(gigabytes: float = 2.0) -> bool:
    """Let the C library keep freed memory for the next tensor, up to so much; whether it can (Linux's does).

    By default it gives large blocks back to the system, and the next activation of the same size is zeroed by the
    kernel, page by page: a quarter of the time of a network on a whole picture (AMD EPYC, DnCNN-17 on 481 x 321).
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError, TypeError):  # macOS, Windows
        return False
    trim_threshold, top_pad, mmap_max = -1, -2, -4  # names of malloc.h
    settings = {mmap_max: 0, trim_threshold: min(int(gigabytes * 2**30), 2**31 - 1), top_pad: 2**26}
    return all(mallopt(name, value) for name, value in settings.items())


def pick_device() -> torch.device:
    """CUDA where there is one, else Apple's MPS, else the CPU."""
    if torch.cuda.is_available():
        return torch.device("cuda", int(os.environ.get("LOCAL_RANK", 0)))  # accelerate launch sets it
    return torch.device("mps" if torch.backends.mps.is_available() else "cpu")


def pick_precision(device: torch.device) -> str:
    """``bf16`` where the device computes it natively, ``fp16`` on older GPUs, else ``no`` (float32).

    Emulated bfloat16 is a trap: on a CPU without the instructions a training step of DnCNN took ten times
    as long as in float32 (AMD EPYC, two cores).
    """
    if device.type == "cuda":
        return "bf16" if torch.cuda.get_device_capability() >= (8, 0) else "fp16"
    if device.type == "cpu" and hasattr(torch.cpu, "get_capabilities"):
        features = torch.cpu.get_capabilities()
        return "bf16" if features.get("avx512_bf16") or features.get("amx_bf16") else "no"
    return "no"


def seed_everything(seed: int) -> None:
    """Seed Python, numpy and torch on every device."""
    random.seed(seed)
    np.random.seed(seed % 2**32)
    torch.manual_seed(seed)
