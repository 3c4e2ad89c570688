"""Empty, tiny, huge, collapsed: a result, or a ``ValueError`` that names what came; never the end of the kernel."""

import base64
import io
import os
import subprocess
import sys

import numpy as np
import pytest
import torch
from PIL import Image

from course_lib import data, denoising, explore, observation, plotting
from course_lib.data import DataError, cifar, store
from course_lib.metric_learning import EmbeddingNet, TemplateGallery, roc
from course_lib.plotting import pixels
from course_lib.receptive_fields import nn3d

COLLAPSED = {
    "one point": torch.ones(6, 3),
    "the origin": torch.zeros(40, 2),
    "far away": torch.full((5, 4), 1e30),
    "NaN": torch.full((6, 3), torch.nan),
    "infinite": torch.tensor([[torch.inf, 0.0]] * 6),
}
STRANGE = {
    "two points": torch.tensor([[0.0, 0.0]] * 5 + [[1.0, 1.0]] * 5),
    "one point but for one row": torch.cat([torch.ones(9, 3), torch.zeros(1, 3)]),
    "a line": torch.arange(8.0)[:, None].repeat(1, 3),
    "huge": 1e25 * torch.rand(8, 3, generator=torch.Generator().manual_seed(0)),
    "tiny": 1e-25 * torch.rand(8, 3, generator=torch.Generator().manual_seed(0)),
    "float64 beyond float32": 1e200 * torch.rand(8, 3, dtype=torch.float64),
    "half": torch.rand(8, 3).half(),
}


def test_a_map_of_any_embedding_leaves_the_kernel_alive():
    code = (
        f"import sys; sys.path.insert(0, {os.path.dirname(__file__)!r}); import test_degenerate as t\n"
        "from course_lib.plotting import tsne\n"
        "for name, points in t.STRANGE.items():\n"
        "    made = tsne(points)\n"
        "    assert made.shape == (len(points), 2) and made.isfinite().all(), name\n"
        "for name, points in t.COLLAPSED.items():\n"
        "    try: tsne(points)\n"
        "    except ValueError as error: assert 'NaN' in str(error) or 'collapsed' in str(error), name\n"
        "    else: raise SystemExit(name)\n"
    )
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("shape", [(16_383, 2), (16_384, 2), (2, 16_384), (20_000, 1, 3), (1, 70_000)])
def test_pictures_of_any_size_are_stored_without_loss(shape):
    image = np.random.default_rng(0).integers(0, 2, shape, np.uint8) * 255
    kind, data_ = pixels.data_uri(image).split(";base64,")
    with Image.open(io.BytesIO(base64.b64decode(data_))) as read:
        back = np.asarray(read.convert("L" if len(shape) == 2 else "RGB"))
    assert np.array_equal(back, image) and kind.startswith("data:image/")


@pytest.mark.parametrize("make", [data.photograph_tiles, data.cats_and_things])
@pytest.mark.parametrize("size", [-1, 0, 304, 10_000, 64.5])
def test_sizes_of_tiles_that_do_not_fit_are_named_with_those_that_do(make, size):
    with pytest.raises(ValueError, match=rf"size must be in 1\.\.30\d, .*got {size}"):
        make(size)


def test_the_largest_tiles_that_fit_are_made():
    assert data.photograph_tiles(303).shape[1:] == (1, 303, 303)
    made = data.cats_and_things(300)
    assert sum(len(labels) for _, labels in (made.train, made.val, made.test)) == 5
    with pytest.raises(ValueError, match="count must be at least 1"):
        cifar.cifar10_stand_in(0)


@pytest.mark.parametrize("obstacle", ["nowhere", "itself", "folder", "empty"])
def test_one_odd_entry_does_not_make_other_files_missing(obstacle, tmp_path, monkeypatch):
    folder = tmp_path / "set12"
    folder.mkdir()
    names = list(store.describe("set12")["checksums"])
    for name in names:
        (folder / name).write_bytes(b"there")
    odd = folder / "notes.txt"

    def put(path):
        if obstacle == "folder":
            path.mkdir()
        elif obstacle == "empty":
            path.touch()
        else:
            path.symlink_to(path if obstacle == "itself" else tmp_path / "nowhere")

    put(odd)
    monkeypatch.setenv("COURSE_DATA", str(tmp_path))
    assert store.fetch("set12") == folder
    (folder / names[3]).unlink()
    put(folder / names[3])
    with pytest.raises(DataError, match=f"1 of 12 files are missing or empty .*{names[3]}"):
        store.fetch("set12")


def test_a_link_to_a_file_is_a_file(tmp_path, monkeypatch):
    (tmp_path / "set12").mkdir()
    (tmp_path / "real").write_bytes(b"there")
    for name in store.describe("set12")["checksums"]:
        (tmp_path / "set12" / name).symlink_to(tmp_path / "real")
    monkeypatch.setenv("COURSE_DATA", str(tmp_path))
    assert store.fetch("set12") == tmp_path / "set12"


def test_in_a_script_pictures_and_questions_print_what_they_show():
    code = (
        "import torch\nfrom course_lib import explore, plotting\n"
        "explore.quiz(explore.choice('Which one?', ('this', 'yes'), ('that', 'no')))\n"
        "explore.quiz(explore.number('How many?', 3, 'yes', 'no'), explore.choice('Why?', ('a', 'b')))\n"
        "plotting.images(torch.rand(4, 4), alt='Four by four.')\n"
        "explore.compare(torch.rand(4, 4), torch.rand(4, 4), 'Before and after.')\n"
        "plotting.source(torch.nn.ReLU)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [
        "Quiz: Which one?", "Quiz: How many? Why?", "Four by four.", "Before and after.",
        "Source of torch.nn.modules.activation.ReLU",
    ]  # fmt: skip
    assert explore.quiz  # the same function as in a kernel, where tests/test_quiz.py looks at it


NETWORKS = {
    "DnCNN": lambda: denoising.DnCNN(3, 8),
    "GradualDenoiser": lambda: denoising.GradualDenoiser(3, 8),
    "ShallowUNet": lambda: denoising.ShallowUNet(),
    "ClassAwareDenoiser": lambda: denoising.ClassAwareDenoiser(2, 3, 8, channels=1),
    "MultiBranchDnCNN": lambda: denoising.MultiBranchDnCNN(8, (1, 1, 1)),
    "FFDNet": lambda: denoising.FFDNet(3, 8),
}


@pytest.mark.parametrize("name", NAMES := list(NETWORKS))
@pytest.mark.parametrize("size", [(8, 8), (9, 11), (64, 8)])
def test_a_batch_without_images_is_a_batch_without_images(name, size):
    model, z = NETWORKS[name]().eval(), torch.rand(0, 1, *size)
    sigmas = (0.1, torch.empty(0), torch.empty(0, 1, *size)) if name == "FFDNet" else (None,)
    for sigma in sigmas:
        assert (model(z) if sigma is None else model(z, sigma)).shape == z.shape


@pytest.mark.parametrize("batch", [0, 1])
@pytest.mark.parametrize("rounds", [1, 3])
def test_nn3d_of_few_images(batch, rounds):
    z = torch.rand(batch, 1, 40, 40)
    assert nn3d(z, 0.1, lambda z, sigma: z, rounds=rounds).shape == z.shape


@pytest.mark.parametrize("size", [(1, 9), (9, 1), (1, 1), (2, 2), (2, 9), (3, 3)])
def test_a_camera_needs_one_cell_of_its_mosaic(size):
    y = torch.rand(1, 3, *size)
    assert observation.Camera(mosaic=False)(y).shape == y.shape
    if min(size) < 2:
        with pytest.raises(ValueError, match=r"at least 2 x 2, one cell of the mosaic, got \("):
            observation.Camera()(y)
    else:
        assert observation.Camera()(y).shape == y.shape


@pytest.mark.parametrize("model", [observation.Jpeg(10), observation.LowResolution(2), observation.Correlated(0.1, 2)])
@pytest.mark.parametrize("shape", [(1, 1, 1, 1), (1, 1, 1, 9), (2, 1, 9, 1)])
def test_other_observations_take_single_rows(model, shape):
    assert model(torch.rand(shape)).shape == shape


@pytest.mark.parametrize(
    ("same", "different", "rate"),
    [
        ([1.0, 1.0, 2.0], [2.0, 3.0], 0.0),
        ([1.0, 1.0, 2.0], [2.0, 3.0], 0.5),
        ([0.1, 0.2, 0.3], [0.2, 0.2], 0.0),
        ([0.3, 0.4], [0.1, 0.2], 0.0),
        ([0.0, 0.0], [0.0, 1.0], 0.5),
    ],
)
@pytest.mark.parametrize("rule", ["mean", "nearest"])
def test_at_the_threshold_of_roc_a_gallery_accepts_what_roc_promises(same, different, rate, rule):
    same, different = torch.tensor(same), torch.tensor(different)
    threshold, promised = roc(same, different).at_false_accepts(rate)
    gallery = TemplateGallery(rule, threshold)
    gallery.enrol("Ada", torch.zeros(1, 1))
    assert gallery.verify(same[:, None], "Ada").float().mean().item() == pytest.approx(promised)
    assert gallery.verify(different[:, None], "Ada").float().mean().item() <= rate
    accepted = [name is not None for name in gallery.identify(same[:, None]).names]
    assert sum(accepted) / len(accepted) == pytest.approx(promised)


def test_the_threshold_of_the_equal_error_rate_is_taken_as_it_is(tmp_path):
    e = EmbeddingNet(8, 4).eval()(torch.rand(6, 1, 24, 24)).detach()
    gallery = TemplateGallery()
    gallery.enrol("Ada", e[:2])
    distances = gallery.distances(e[2:])[:, 0]
    curve = roc(distances[:2], distances[2:])
    gallery.threshold = curve.equal_error[1]
    k = int((curve.thresholds == gallery.threshold).nonzero()[0])
    assert gallery.verify(e[2:4], "Ada").double().mean() == curve.true_accepts[k]
    nobody = TemplateGallery(threshold=float("-inf"))
    nobody.enrol("Ada", e[:1])
    nobody.save(tmp_path / "gallery")
    assert TemplateGallery.load(tmp_path / "gallery").identify(e[:2]).names == [None, None]


def test_a_mosaic_of_one_point_is_a_mosaic():
    images = torch.arange(4.0).view(4, 1, 1, 1)
    assert sorted(plotting.mosaic(torch.ones(4, 2).half(), images, 2).flatten().tolist()) == [0, 1, 2, 3]
    with pytest.raises(ValueError, match="positions contain NaN"):
        plotting.mosaic(torch.full((4, 2), torch.nan), images, 2)
