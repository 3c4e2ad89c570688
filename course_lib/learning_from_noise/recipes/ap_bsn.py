"""AP-BSN on noise that neighbours share: a box over white noise, for every stride, and photographs of real cameras.

Chapter: book/learning_from_noise/blind_spot_networks.ipynb
"""

from functools import partial

from ... import data, training
from ...denoising import denoise, evaluate
from ...metrics import psnr, ssim
from ...observation import Correlated
from ...reference.recipe import Recipe, Scale
from ..ap_bsn import APBSN, ap_bsn_loss
from ..blind_spot import DilatedNetwork
from ..pairs import NoisyPatches
from .blind_spot_networks import CHAPTER, first_shot, recorded_patches

LEE = "Lee et al., CVPR 2022 (arXiv:2203.11799)"
SHARED = Correlated(25 / 255, radius=1)
STRIDES = (1, 2, 3, 4, 5, 6)


def photographs(device, scale: Scale):
    """``generator -> z``: patches of the 15 noisy photographs of CC."""
    shots = [scene.z for scene in data.cc15().values()]
    return first_shot(NoisyPatches(shots, scale.patch, scale.batch, device))


def on_shared_noise(model: APBSN) -> dict[str, float]:
    """Mean PSNR on 12 squares of BSD68 with noise that neighbours share: for every stride, and stride 2 refined."""
    pictures = [y[:, 80:240, 80:240] for y in data.bsd68()[::6]]
    metrics = {"input: PSNR (dB)": evaluate(lambda z: z, pictures, SHARED).mean().item()}
    denoisers = {f"stride {stride}": APBSN(model.network, stride=stride, refinements=0) for stride in STRIDES}
    for name, denoiser in (denoisers | {"stride 2, refined": model}).items():
        metrics[f"{name}: PSNR (dB)"] = evaluate(denoiser, pictures, SHARED).mean().item()
    return metrics


def on_photographs(model: APBSN) -> dict[str, float]:
    """PSNR and SSIM on CC, the mean of 15: the input, strides without refinement, and stride 2 with it."""
    found: dict[str, list[float]] = {}
    for scene in data.cc15().values():
        z, y = scene.z, scene.y[None]
        estimates = {"input": z}
        for stride in STRIDES[:5]:
            plain = APBSN(model.network, stride=stride, refinements=0)
            estimates[f"stride {stride}"] = denoise(plain, z, "bf16")
        estimates["stride 2, refined"] = denoise(model, z, "bf16")
        for name, y_hat in estimates.items():
            found.setdefault(f"{name}: PSNR (dB)", []).append(psnr(y_hat, y).item())
            found.setdefault(f"{name}: SSIM", []).append(ssim(y_hat, y).item())
    return {name: sum(values) / len(values) for name, values in found.items()}


def ap_bsn(train_stride: int = 5, **network) -> APBSN:
    """AP-BSN around a `DilatedNetwork`."""
    return APBSN(DilatedNetwork(**network), train_stride)


def _strided(stride: int) -> Recipe:
    return Recipe(
        title=f"AP-BSN, noise of neighbours, trained at stride {stride}",
        chapter=CHAPTER,
        build=partial(ap_bsn, train_stride=stride),
        batches=partial(recorded_patches, observe=SHARED),
        loss=ap_bsn_loss,
        evaluate=on_shared_noise,
        scales={
            "gpu": Scale(steps=20_000, batch=16, patch=120, lr=3e-3),
            "cpu": Scale(steps=600, batch=1, patch=120, lr=5e-3, model={"width": 48, "blocks": 4}),
        },
        headline="stride 2, refined: PSNR (dB)",
        source=LEE,
        fit={"optimizer": training.Muon},
        data="trained on one recording of each picture of BSD400, noise of std 25 that 3x3 neighbours share; "
        "tested on 12 squares of 160x160 of BSD68",
        keep_weights=stride in (1, 3, 5),
    )


RECIPES = {
    **{f"ap-bsn-stride-{stride}": _strided(stride) for stride in (5, 1, 2, 3, 4)},
    "ap-bsn-photographs": Recipe(
        title="AP-BSN, photographs of real cameras",
        chapter=CHAPTER,
        build=partial(ap_bsn, channels=3),
        batches=photographs,
        loss=ap_bsn_loss,
        evaluate=on_photographs,
        scales={
            "gpu": Scale(steps=20_000, batch=8, patch=120, lr=2e-3),
            "cpu": Scale(steps=1_200, batch=2, patch=120, lr=5e-3, model={"width": 48, "blocks": 6}),
        },
        headline="stride 2, refined: PSNR (dB)",
        source=LEE,
        fit={"optimizer": training.Muon},
        data="trained on the 15 noisy pictures of CC alone, tested on the same against the mean of 500 shots",
        urgency=61,
    ),
}
