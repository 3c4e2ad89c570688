"""Checks see the values of every real tensor, whatever its class, and never stand in the way of a transform."""

import warnings

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from torch import nn
from torchvision import tv_tensors

from course_lib import data, denoising, metric_learning, metrics
from course_lib._checks import check_classes, check_images, check_members, extremes
from course_lib.data.pictures import read_picture
from course_lib.metric_learning import contrastive_loss, hadsell_loss


class Tagged(torch.Tensor):
    """A subclass that keeps its class through every operation."""


KINDS = {
    "plain": lambda x: x,
    "parameter": lambda x: nn.Parameter(x),
    "buffer": lambda x: nn.Buffer(x) if hasattr(nn, "Buffer") else x,
    "image": tv_tensors.Image,
    "mask": tv_tensors.Mask,
    "video": tv_tensors.Video,
    "subclass": lambda x: x.as_subclass(Tagged),
    "view": lambda x: x.transpose(2, 3),
    "with gradient": lambda x: x.clone().requires_grad_(),
}
WRONG = {"grey levels": 255.0, "NaN": float("nan"), "infinite": float("inf"), "negative": -255.0}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("wrong", WRONG)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.float16, torch.bfloat16])
def test_values_of_every_kind_of_tensor_are_checked(kind, wrong, dtype):
    x = torch.full((1, 1, 4, 4), 0.5, dtype=dtype)
    check_images(KINDS[kind](x), clean=True)
    x[0, 0, 1, 2] = WRONG[wrong]
    with pytest.raises(ValueError, match="grey levels|must be an image|NaN or infinite"):
        check_images(KINDS[kind](x))


def test_grey_levels_are_found_by_metrics_models_and_batches():
    grey = tv_tensors.Image(torch.full((1, 1, 32, 32), 200.0))
    for call in (
        lambda: metrics.ssim(grey, grey),
        lambda: denoising.DnCNN(3, 8)(grey),
        lambda: metric_learning.EmbeddingNet(8, 4)(grey),
        lambda: data.Patches(grey, 8, 2),
    ):
        with pytest.raises(ValueError, match="grey levels"):
            call()


@pytest.mark.parametrize("dtype", [torch.float8_e4m3fn, torch.complex64, torch.bool, torch.int16])
def test_what_has_no_arithmetic_of_images_is_refused_by_its_type(dtype):
    with pytest.raises(ValueError, match=str(dtype)):
        check_images(torch.zeros(1, 1, 4, 4, dtype=dtype))


@given(st.lists(st.floats(-30, 30, width=32), min_size=1, max_size=20))
@settings(max_examples=50, deadline=None)
def test_the_extremes_are_the_smallest_and_the_largest_value(values):
    assert extremes(torch.tensor(values)) == (min(values), max(values))


def test_nothing_is_said_where_there_are_no_values():
    from torch._subclasses import FakeTensorMode

    assert extremes(torch.empty(0)) is None and extremes(torch.empty(3, device="meta")) is None
    with FakeTensorMode():
        assert extremes(torch.ones(3)) is None


NETWORKS = {
    "DnCNN": (lambda: denoising.DnCNN(3, 8), 1),
    "bias-free": (lambda: denoising.BiasFreeDnCNN(3, 8), 1),
    "gradual": (lambda: denoising.GradualDenoiser(3, 8), 1),
    "gated": (lambda: denoising.GatedConvDeconv(4, 8), 3),
    "U-Net": (lambda: denoising.ShallowUNet(), 1),
    "multi-branch": (lambda: denoising.MultiBranchDnCNN(8, (1, 1, 1)), 1),
    "CBDNet": (lambda: denoising.CBDNet(8), 3),
    "embedding": (lambda: metric_learning.EmbeddingNet(8, 4), 1),
    "FFDNet": (lambda: WithLevel(denoising.FFDNet(3, 8), torch.tensor(0.1)), 1),
    "FFDNet, a level each": (lambda: WithLevel(denoising.FFDNet(3, 8), torch.full((2,), 0.1)), 1),
}


class WithLevel(nn.Module):
    def __init__(self, model, sigma):
        super().__init__()
        self.model = model
        self.register_buffer("sigma", sigma)

    def forward(self, z):
        return self.model(z, self.sigma)


@pytest.fixture(params=NETWORKS)
def network(request):
    torch.manual_seed(0)
    make, channels = NETWORKS[request.param]
    return make().eval(), torch.rand(2, channels, 24, 24)


def test_every_network_can_be_traced(network):
    model, z = network
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        traced = torch.jit.trace(model, (z,), check_trace=False)
    torch.testing.assert_close(traced(z.flip(0)), model(z.flip(0)), atol=1e-5, rtol=1e-4)


def test_every_network_can_be_exported(network):
    model, z = network
    exported = torch.export.export(model, (z,), strict=False).module()
    torch.testing.assert_close(exported(z.flip(0)), model(z.flip(0)), atol=1e-5, rtol=1e-4)


def test_every_network_can_be_mapped_over_a_batch(network):
    model, z = network
    if getattr(model, "sigma", torch.zeros(())).ndim:
        z = torch.stack([z, z.flip(0)])
        each = torch.func.vmap(model)(z)
        expected = torch.stack([model(pair) for pair in z])
    else:
        each = torch.func.vmap(lambda one: model(one[None])[0])(z)
        expected = model(z)
    torch.testing.assert_close(each, expected, atol=1e-5, rtol=1e-4)


def test_gradients_of_each_sample_are_those_of_each_alone(network):
    model, z = network
    if getattr(model, "sigma", torch.zeros(())).ndim:
        return
    weights = dict(model.named_parameters())

    def loss(weights, one):
        return torch.func.functional_call(model, weights, (one[None],)).square().sum()

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        each = torch.func.vmap(torch.func.grad(loss), (None, 0))(weights, z)
    model.zero_grad()
    model(z[:1]).square().sum().backward()
    for name, parameter in weights.items():
        torch.testing.assert_close(each[name][0], parameter.grad, atol=1e-3, rtol=1e-3)


def test_losses_can_be_mapped_and_still_check_what_is_real():
    a, b, y = torch.rand(3, 4, 2), torch.rand(3, 4, 2), torch.tensor([0, 1, 1, 0])
    each = torch.func.vmap(lambda p, q: contrastive_loss(p, q, y))(a, b)
    torch.testing.assert_close(each[1], contrastive_loss(a[1], b[1], y))
    with pytest.raises(ValueError, match="y must be one of 0, 1"):
        torch.func.vmap(lambda p, q: contrastive_loss(p, q, y + 1))(a, b)


@pytest.mark.parametrize("loss", [contrastive_loss, hadsell_loss])
@pytest.mark.parametrize("dtype", [torch.int64, torch.float32, torch.int8, torch.float16])
@pytest.mark.parametrize("wrong", [-1, 2, 0.5, 100, float("nan")])
def test_a_y_outside_its_set_is_refused(loss, dtype, wrong):
    a, b = torch.rand(3, 2), torch.rand(3, 2)
    right = loss(a, b, torch.tensor([0, 1, 1]))
    assert loss(a, b, torch.tensor([0, 1, 1], dtype=dtype)) == right
    assert loss(a, b, torch.tensor([False, True, True])) == right
    if dtype.is_floating_point or wrong in (-1, 2, 100):
        with pytest.raises(ValueError, match="y must be one of 0, 1, got"):
            loss(a, b, torch.tensor([0, 1, wrong], dtype=dtype))


@pytest.mark.parametrize("labels", [[0, 1, 3], [-1, 0, 1], [0.0, 0.5, 1.0], [0.0, 1.0, float("nan")]])
def test_labels_of_no_class_are_refused(labels):
    model = nn.Sequential(nn.Flatten(), nn.Linear(4, 3))
    images = torch.rand(3, 1, 2, 2)
    assert 0 <= metrics.accuracy(model, images, torch.tensor([0, 1, 2])) <= 100
    with pytest.raises(ValueError, match="labels must be whole numbers from 0 to 2"):
        metrics.accuracy(model, images, torch.tensor(labels))
    with pytest.raises(ValueError, match="whole numbers from 0 to 2"):
        check_classes(torch.tensor(labels), 3)


@pytest.mark.parametrize("label", [[-1, 0], [0, 2], [0, 7]])
def test_a_denoiser_for_a_class_that_is_not_there_is_refused(label):
    model = denoising.ClassAwareDenoiser(2, depth=3, width=8, channels=1)
    with pytest.raises(ValueError, match="label must be whole numbers from 0 to 1"):
        model(torch.rand(2, 1, 8, 8), torch.tensor(label))


@given(st.lists(st.integers(-3, 3), min_size=1, max_size=6), st.sets(st.integers(-3, 3), min_size=1))
@settings(max_examples=50, deadline=None)
def test_members_are_those_of_the_set(values, allowed):
    if set(values) <= allowed:
        check_members(torch.tensor(values), tuple(allowed), "x")
    else:
        with pytest.raises(ValueError, match="x must be one of"):
            check_members(torch.tensor(values), tuple(allowed), "x")


def picture(mode: str, tmp_path, ending: str = "png"):
    ramp = np.linspace(0, 255, 64).reshape(8, 8)
    made = {
        "I;16": lambda: Image.fromarray((ramp * 257).astype(np.uint16)),
        "I": lambda: Image.fromarray((ramp * 257).astype(np.int32)),
        "F": lambda: Image.fromarray(ramp.astype(np.float32)),
        "LA": lambda: Image.merge("LA", [Image.fromarray(ramp.astype(np.uint8)), Image.new("L", (8, 8), 255)]),
        "LA, half": lambda: Image.merge("LA", [Image.fromarray(ramp.astype(np.uint8)), Image.new("L", (8, 8), 99)]),
        "RGBA, half": lambda: Image.fromarray(ramp.astype(np.uint8)).convert("RGBA").point(lambda v: v // 2),
        "P, see-through": lambda: Image.fromarray(ramp.astype(np.uint8)).convert("P"),
    }.get(mode, lambda: Image.fromarray(ramp.astype(np.uint8)).convert(mode))()
    path = tmp_path / f"picture.{ending}"
    made.save(path, **({"transparency": made.getpixel((0, 0))} if "see" in mode else {}))
    return path


@pytest.mark.parametrize("mode", ["L", "LA", "RGB", "RGBA", "P", "1"])
@pytest.mark.parametrize("wanted", ["L", "RGB"])
def test_pictures_of_eight_bits_are_read_rightly(mode, wanted, tmp_path):
    pixels = read_picture(picture(mode, tmp_path), wanted)
    expected = np.linspace(0, 255, 64).reshape(8, 8)
    assert pixels.dtype == np.uint8 and pixels.shape == ((8, 8) if wanted == "L" else (8, 8, 3))
    if mode == "1":
        assert set(np.unique(pixels)) == {0, 255}
    else:
        assert abs(pixels.reshape(8, 8, -1).mean(2) - expected).max() <= 2


@pytest.mark.parametrize(
    ("mode", "ending"),
    [("I;16", "png"), ("I;16", "tiff"), ("I", "tiff"), ("F", "tiff"), ("LA, half", "png"), ("RGBA, half", "png"),
     ("P, see-through", "png")],
)  # fmt: skip
def test_pictures_that_would_be_read_wrongly_are_refused_by_name(mode, ending, tmp_path):
    with pytest.raises(ValueError, match="more than 8 bits|transparent") as caught:
        read_picture(picture(mode, tmp_path, ending), "L")
    assert mode.split(",")[0][:1] in str(caught.value)


@pytest.mark.parametrize("mode", ["I;16", "RGBA, half"])
def test_strips_and_characters_name_the_file(mode, tmp_path):
    folder = tmp_path / "v_x"
    folder.mkdir()
    for kind in data.PATCH_TYPES:
        picture(mode, tmp_path).rename(folder / f"{kind}.png")
    with pytest.raises(data.DataError, match=r"ref\.png cannot be read \(.*(8 bits|transparent)"):
        data.patch_sequences(tmp_path)
