"""Everything that stands between the clean image and the record: noise, lost resolution, the camera.

Each is a small frozen dataclass, called ``z = model(y, generator)``. Chapter: book/denoising/observation_model.ipynb
"""

from .camera import Camera
from .chain import Chain, perturbations
from .degradations import Jpeg, LowResolution
from .lens import LateralAberration
from .noise import Bernoulli, Correlated, Cutout, Gaussian, Poisson, PoissonGaussian, SaltAndPepper, SignalDependent
from .specks import Specks
from .two_shots import noise_curve, noise_variance

__all__ = [
    "Bernoulli",
    "Camera",
    "Chain",
    "Correlated",
    "Cutout",
    "Gaussian",
    "Jpeg",
    "LateralAberration",
    "LowResolution",
    "Poisson",
    "PoissonGaussian",
    "SaltAndPepper",
    "SignalDependent",
    "Specks",
    "noise_curve",
    "noise_variance",
    "perturbations",
]
