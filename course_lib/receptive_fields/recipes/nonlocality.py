"""NN3D around the course's own networks. Chapter: book/receptive_fields/nonlocality.ipynb"""

from functools import partial
from statistics import mean

import torch

from ... import data, reference, session
from ...denoising import denoise
from ...metrics import psnr
from ...observation import Gaussian
from ...reference.recipe import Measurement
from ..nonlocality import nn3d

CRUZ = "Cruz et al., IEEE Signal Processing Letters 2018 (doi:10.1109/LSP.2018.2850222)"
PAPER = {  # mean PSNR in dB: network -> (test set, sigma) -> alone, with NN3D (K = 2)
    "dncnn-blind": {("Set12", 50): (27.19, 27.32), ("BSD68", 50): (26.23, 26.27)},
    "ffdnet-grey": {},
}


def told_denoiser(network: str, device):
    """``(z, sigma) -> y_hat`` by a stored network, which is told sigma if it can be."""
    model = reference.load(network, device)
    if network.startswith("ffdnet"):
        from ...denoising import with_sigma

        return lambda z, sigma: with_sigma(model, sigma)(z)
    return lambda z, sigma: denoise(model, z)


def alone_and_reinforced(
    network: str, test_set: str, levels: tuple[int, ...], apart: bool = False, every: int = 1
) -> dict[str, float]:
    """Mean PSNR of a network on its own and inside NN3D, on the same noisy images, the first of ``every`` so many.

    With ``apart``, also what each half of NN3D does by itself: one round only (network, then filter), and two rounds
    of the network without the filter.
    """
    device = session.pick_device()
    denoiser = told_denoiser(network, device)
    images = {"Set12": data.set12, "BSD68": data.bsd68}[test_set]()[::every]
    metrics = {}
    for level in levels:
        sigma, alone, gains = level / 255, [], {"gain": []}
        for i, y in enumerate(images):
            # the noise that `denoising.evaluate` gives to image number i
            z = Gaussian(sigma)(y[None].cpu(), torch.Generator().manual_seed(i)).to(device)
            y, asked, estimates = y[None].to(device), [], []

            def remember(z, sigma, asked=asked, estimates=estimates):
                asked.append(z)
                estimates.append(denoiser(z, sigma))
                return estimates[-1]

            results = {"gain": nn3d(z, sigma, remember)}
            if apart:
                results["gain of one round"] = 2 * asked[1] - z  # the second round was asked for (z + y_1) / 2
                results["gain of two rounds without the filter"] = denoiser((z + estimates[0]) / 2, sigma / 2)
            alone.append(psnr(estimates[0], y).item())
            for name, y_hat in results.items():
                gains.setdefault(name, []).append(psnr(y_hat, y).item() - alone[-1])
        where = f"{test_set if every == 1 else f'{len(images)} of {test_set}'}, sigma {level}"
        metrics[f"{where}: network alone (dB)"] = mean(alone)
        metrics[f"{where}: NN3D (dB)"] = mean(alone) + mean(gains["gain"])
        metrics |= {f"{where}: {name} (dB)": mean(values) for name, values in gains.items()}
        metrics[f"{where}: images that gain (%)"] = 100 * mean(g > 0 for g in gains["gain"])
    return metrics


def _recipe(network: str, test_set: str, levels: tuple[int, ...], apart: bool = False, every: int = 1) -> Measurement:
    """No step of training: the networks are there, and the filter has nothing to learn."""
    where = test_set if every == 1 else f"12 of {test_set}"
    return Measurement(
        title=f"NN3D (K = 2) around {network}",
        chapter="receptive_fields/nonlocality",
        measure=partial(
            alone_and_reinforced, network=network, test_set=test_set, levels=levels, apart=apart, every=every
        ),
        paper={
            f"{test_set}, sigma {level}: {name} (dB)": value
            for (where, level), values in PAPER[network].items()
            if where == test_set and every == 1
            for name, value in zip(("network alone", "NN3D"), values, strict=True)
        },
        headline=f"{where}, sigma 50: NN3D (dB)",
        source=CRUZ,
        data=f"the weights of `{network}`, at their scale; noise not clipped"
        + ("" if every == 1 else f"; one image of {every}, to save time"),
    )


RECIPES = {
    "nn3d-ffdnet": _recipe("ffdnet-grey", "Set12", (30, 50, 75), apart=True),
    "nn3d-ffdnet-bsd68": _recipe("ffdnet-grey", "BSD68", (30, 50, 75), apart=True),
    # this network was trained for sigma 0 to 55: 75 asks it for what it has never seen
    "nn3d-dncnn": _recipe("dncnn-blind", "Set12", (30, 50, 75)),
    "nn3d-dncnn-bsd68": _recipe("dncnn-blind", "BSD68", (30, 50, 75), every=6),
}
