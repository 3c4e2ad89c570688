"""Every floating-point type gives a result or a clear refusal, and the default type may be another."""

import pytest
import torch

from course_lib import data, features, metrics, observation, plotting
from course_lib import metric_learning as metric
from course_lib.metric_learning import patches

MODELS = {
    "Gaussian": observation.Gaussian((0.1, 0.2)),
    "Poisson": observation.Poisson(30.0),
    "PoissonGaussian": observation.PoissonGaussian(30.0, 0.1),
    "SignalDependent": observation.SignalDependent(0.01, 0.01),
    "Correlated": observation.Correlated(0.1, 1),
    "Bernoulli": observation.Bernoulli(0.5),
    "SaltAndPepper": observation.SaltAndPepper(0.2, True),
    "Specks": observation.Specks(),
    "Cutout": observation.Cutout(5, 2, 0.5),
    "Jpeg": observation.Jpeg((10, 90)),
    "LowResolution": observation.LowResolution(2),
    "Camera": observation.Camera(),
    "Chain": observation.perturbations()["all three"],
}


def generator():
    return torch.Generator().manual_seed(0)


def calls(dtype: torch.dtype) -> dict:
    """name -> a call that takes tensors of the type."""

    def draw(*shape):
        return torch.rand(*shape, generator=generator(), dtype=torch.float32).to(dtype)

    y, e, d, labels = draw(2, 3, 32, 32), draw(8, 4), draw(6), torch.arange(8) % 2
    photograph = data.photographs(names=["brick"])["brick"].to(dtype)[:, :128, :128]
    galleries = {rule: metric.TemplateGallery(rule, threshold=0.5) for rule in ("mean", "nearest")}
    for gallery in galleries.values():
        gallery.enrol("Ada", e[:2])
        gallery.enrol("Bob", e[2:3])
    people = (255 * draw(8, 1, 24, 24).float()).byte()
    network = torch.nn.Linear(4, 2, dtype=torch.float32)
    torch.nn.init.ones_(network.weight)
    torch.nn.init.zeros_(network.bias)
    return {
        **{name: lambda model=model: model(y, generator()) for name, model in MODELS.items()},
        "psnr": lambda: metrics.psnr(y, y / 2),
        "ssim": lambda: metrics.ssim(y, y / 2),
        "jittered": lambda: metric.jittered(y, generator()),
        "mean of distances": lambda: galleries["mean"].distances(e),
        "nearest": lambda: galleries["nearest"].distances(e),
        "verify": lambda: galleries["mean"].verify(e, "Ada"),
        "patch_sequence": lambda: data.patch_sequence(photograph, 5),
        "patch_sequence, light": lambda: data.patch_sequence(photograph, 5, viewpoint=False),
        "patch_views": lambda: patches.patch_views([photograph], 5),
        "Patches": lambda: data.Patches(y, 8, 4)(generator()),
        "PeopleBatches": lambda: metric.PeopleBatches(people, labels, 2, 2, jitter=True)(generator())[0],
        "contrastive_loss": lambda: metric.contrastive_loss(e, e.flip(0), labels),
        "hadsell_loss": lambda: metric.hadsell_loss(e, e.flip(0), labels),
        "triplet_loss": lambda: metric.triplet_loss(e, e.flip(0), e.roll(1, 0)),
        "hardest_negative_loss": lambda: metric.hardest_negative_loss(e, e.flip(0)),
        "arcface_loss": lambda: metric.arcface_loss(e, labels),
        "info_nce": lambda: metric.info_nce(e, labels),
        **{
            rule: lambda rule=rule: metric.mined_triplet_loss(e, labels, rule, generator=generator())
            for rule in metric.STRATEGIES
        },
        "roc": lambda: metric.roc(d[:3], d[3:]).true_accepts,
        "open_set_curve": lambda: metric.open_set_curve(d[:3], torch.ones(3, dtype=bool), d[3:]).identified,
        "retrieval_map": lambda: torch.tensor(metric.retrieval_map(e, labels, labels[:4]), dtype=torch.float32),
        "identify_unseen": lambda: torch.tensor(metric.identify_unseen(e, labels).rank1, dtype=torch.float32),
        "pixel_distance": lambda: metric.pixel_distance(y, 1 - y),
        "mosaic": lambda: plotting.mosaic(e[:, :2], torch.arange(8.0, dtype=torch.float32).view(8, 1, 1, 1), 4),
        "embed": lambda: features.embed(network, e),
        "faces": lambda: data.faces(2, 2, size=16).images,
    }


NAMES = list(calls(torch.float32))


@pytest.mark.parametrize("dtype", [torch.float64, torch.float16, torch.bfloat16], ids=str)
@pytest.mark.parametrize("name", NAMES)
def test_images_and_embeddings_may_be_of_any_floating_type(name, dtype):
    expected, result = calls(torch.float32)[name](), calls(dtype)[name]()
    assert result.shape == expected.shape and result.isfinite().all()
    if name in MODELS:
        assert result.dtype == dtype, "an observation keeps the type"
    if name not in MODELS and result.is_floating_point():  # noise of another type is other noise
        torch.testing.assert_close(result.double(), expected.double(), atol=0.05, rtol=0.05)


@pytest.mark.parametrize("name", NAMES)
def test_the_default_type_changes_nothing(name, monkeypatch):
    expected = calls(torch.float32)[name]()
    torch.set_default_dtype(torch.float64)
    try:
        result = calls(torch.float32)[name]()
    finally:
        torch.set_default_dtype(torch.float32)
    assert result.dtype == expected.dtype and torch.equal(result, expected)


@pytest.mark.parametrize("dtype", [torch.float64, torch.float16, torch.bfloat16], ids=str)
def test_embed_gives_a_network_what_it_is_made_of(dtype):
    network, x = torch.nn.Linear(4, 2, dtype=torch.float64), torch.rand(3, 4, dtype=torch.float32)
    result = features.embed(network, x.to(dtype))
    assert result.dtype == torch.float32
    torch.testing.assert_close(result, network(x.to(dtype).double()).float())
