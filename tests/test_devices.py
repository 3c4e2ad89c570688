"""Nothing of the library assumes the CPU: every public function, on a device that does not exist.

`FakeTensorMode` keeps shapes, types and devices and computes nothing, so "another device" needs no such machine. It
refuses to mix devices, and to tell Python a value (``.item()``, ``if tensor``, ``nonzero``): on an accelerator that
makes the processor wait, which no training step may do. (Gradients need a real device: ``make gpu`` takes them there.)
"""

from contextlib import contextmanager

import pytest
import torch
from torch import Tensor, nn
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.utils._pytree import tree_leaves

from course_lib.reference.gpu.examples import Public, arguments, build, public

AWAY = torch.device("cuda:0")
LIBRARY = list(public())

# what reads values or works on the CPU, on purpose: none of it belongs to a training step
READS_VALUES = {
    "metrics.accuracy": "ends in a number",
    "metrics.ssim": "by scikit-image, on the CPU",
    "denoising.ClassAwareDenoiser": "asks the experts whose class occurs, so the classes have to be known",
    "denoising.gaussian_filter": "by SciPy, on the CPU",
    "denoising.median_filter": "by SciPy, on the CPU",
    "denoising.wavelet_shrinkage": "by scikit-image, on the CPU",
    "denoising.principal_components": "how many directions there are is part of the answer",
    "denoising.denoise": "copies the model, which a tensor without contents does not survive",
    "denoising.cbdnet_loss": "its model must be a CBDNet, which is tried itself",
    "metric_learning.at_distance": "checks that the other picture is far enough away; for figures",
    "metric_learning.embedding_spread": "ends in a number",
    "metric_learning.is_collapsed": "ends in a yes or no",
    "metric_learning.enrol_first": "how many people there are is what it finds out",
    "metric_learning.identify_unseen": "ends in numbers",
    "metric_learning.hardest_triplets": "how many triplets there are is part of the answer; the losses do without",
    "metric_learning.random_triplets": "how many triplets there are is part of the answer; the losses do without",
    "metric_learning.retrieval_map": "ends in a number",
    "metric_learning.roc": "a curve, on the CPU, where it is drawn",
    "metric_learning.open_set_curve": "a curve, on the CPU, where it is drawn",
    "metric_learning.split_pairs": "how many pairs there are is part of the answer",
    "learning_from_noise.record_once": "records a whole set once, where the set lies",
    "pretext_tasks.accuracy": "ends in a number",
    "pretext_tasks.few_labels": "chooses them once, before the training",
    "pretext_tasks.knn": "an evaluation: how many classes there are is what it finds out",
    "pretext_tasks.choose_permutations": "a constant: whoever uses it moves it",
    "pretext_tasks.before_after.pixel_iou": "ends in a number",
    "pretext_tasks.biharmonic": "by scikit-image, on the CPU",
    "pretext_tasks.linear_probe": "chooses its penalty by what it measures",
    "pretext_tasks.colour_bins": "a constant: whoever uses it moves it",
    "pretext_tasks.centre_hole": "a constant: whoever uses it moves it",
    "pretext_tasks.spread": "ends in a number",
    "pretext_tasks.Views": "takes the logarithm of two constants on the CPU",
    "pretext_tasks.twins_found": "ends in a number",
    "pretext_tasks.effective_rank": "ends in a number",
    **{f"projects.{style}": "drawn on the CPU" for style in ("julia", "stained_glass", "strokes", "waves")},
    "projects.noisy_patches.noisy_sequences": "makes files, on the CPU",
    "projects.squeezenet": "reads its weights from a file; whoever uses it moves it",
    "projects.vgg19": "20 million weights to draw; whoever uses it moves it",
    "metric_learning.patches.matching": "ends in numbers",
    "metric_learning.patches.verification": "ends in numbers",
    "metric_learning.patches.trapezoidal_ap": "an evaluation: NaN is looked for first",
    "metric_learning.patches.sift_descriptor": "kornia builds its filters anew and moves them",
    "metric_learning.patches.describe": "leaves uint8 patches where they are until their turn",
    "receptive_fields.effective_receptive_field": "a map, on the CPU, where it is drawn",
    "receptive_fields.haar_matrix": "a constant: whoever uses it moves it",
}


# networks and losses whose parameters are of their task alone; their recipes take a step on the device in `make gpu`
OF_THEIR_TASK = {
    "pretext_tasks.Colourizer",
    "pretext_tasks.ProjectionHead",
    "pretext_tasks.stop_gradient_loss",
    "pretext_tasks.classification_loss",
    "pretext_tasks.ChannelwiseDense",
    "pretext_tasks.PaintedAndJudged",
    "pretext_tasks.adversarial_loss",
    "pretext_tasks.LateFusion",
    "pretext_tasks.puzzle_loss",
    "pretext_tasks.before_after.segmentation_loss",
    "learning_from_noise.APBSN",
    "learning_from_noise.Annealed",
    "learning_from_noise.WithPosterior",
    "learning_from_noise.ap_bsn_loss",
    "learning_from_noise.blind_spot_loss",
    "projects.NamedLayers",
    "projects.noisy_patches.DeepDescriptor",
    "projects.noisy_patches.Pipeline",
}


class NoExampleError(Exception):
    """No example fits: neither is it tried, nor does it count as tried."""


@contextmanager
def elsewhere():
    """Tensors without contents; constants of the library, which are made when it is imported, count as the CPU's."""
    with FakeTensorMode(allow_non_fake_inputs=True):
        yield


def call(target, channels: int, device: torch.device):
    """The result for the examples on a device. Raises: `NoExampleError`; what the call raises."""
    if isinstance(target, type) and issubclass(target, nn.Module):
        with device:
            network = build(target, channels)
        target = network.forward if network else None
    elif isinstance(target, type):
        chosen = arguments(target, device, channels=channels)
        model = target(**chosen) if chosen is not None else None
        target = model.__call__ if callable(model) else None
    chosen = arguments(target, device, channels=channels) if target else None
    if chosen is None:
        raise NoExampleError
    return target(**chosen)


def fitting_channels(target) -> int | None:
    """The number of channels with which the call works on the CPU, with real numbers; None if there is none."""
    for channels in (1, 3):
        try:
            call(target, channels, torch.device("cpu"))
            return channels
        except Exception:  # whatever it is, the example does not fit
            continue
    return None


@pytest.fixture(scope="module")
def channels() -> dict[str, int | None]:
    return {entry.name: fitting_channels(entry.target) for entry in LIBRARY}


@pytest.mark.parametrize("entry", LIBRARY, ids=lambda entry: entry.name)
def test_it_runs_on_another_device_and_reads_no_value(entry: Public, channels):
    if entry.name in READS_VALUES:
        pytest.skip(READS_VALUES[entry.name])
    if channels[entry.name] is None:
        pytest.skip("no example fits")
    with elsewhere():
        for leaf in tree_leaves(call(entry.target, channels[entry.name], AWAY)):
            if isinstance(leaf, Tensor):
                assert leaf.device.type == AWAY.type, f"the result lies on {leaf.device}"


def test_most_of_the_library_is_tried(channels):
    """Every network and loss, whose parameters have the field's names; of the whole more than half."""
    untried = {name for name, fits in channels.items() if fits is None and name not in READS_VALUES}
    for entry in LIBRARY:
        if entry.name.endswith("loss") or (isinstance(entry.target, type) and issubclass(entry.target, nn.Module)):
            named = entry.name not in OF_THEIR_TASK
            assert not named or entry.name not in untried, (
                "name its parameters as the others do, or add an example for them"
            )
    assert len(untried) < len(channels) / 2


@pytest.mark.parametrize("name", READS_VALUES)
def test_what_is_excused_exists(name):
    assert name in {entry.name for entry in LIBRARY}


def steps_with_a_plain_arange(z: Tensor) -> Tensor:
    return z + torch.arange(z.shape[-1])


def steps_that_look(z: Tensor) -> Tensor:
    return z / z.max().item()


def steps_that_count(z: Tensor) -> Tensor:
    return z[z > 0.5]


@pytest.mark.parametrize("wrong", [steps_with_a_plain_arange, steps_that_look, steps_that_count])
def test_the_check_catches(wrong):
    with pytest.raises(RuntimeError), elsewhere():
        call(wrong, 1, AWAY)
