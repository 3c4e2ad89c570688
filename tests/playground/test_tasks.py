"""Every task on every kind of picture, without an interface."""

import pytest
import torch
from visitors import kinds

from course_lib import data, metrics, reference
from course_lib.playground import Choice, View, read_picture, tasks
from course_lib.playground.restoring import denoisers, grey

CAT = data.photographs(128, grey=False, names=["chelsea"])["chelsea"][None]
BY_TITLE = {task.title: task for task in tasks()}
LITTLE = {"evaluations": 20, "steps": 20, "octaves": 1, "side": 32}  # enough to see that it runs


def values(task, **chosen):
    start = {n: next(iter(c.options.values())) if isinstance(c, Choice) else c.start for n, c in task.controls.items()}
    return start | {name: value for name, value in LITTLE.items() if name in start} | chosen


@pytest.mark.parametrize("title", BY_TITLE)
@pytest.mark.parametrize("kind", kinds())
def test_every_task_takes_every_kind_of_file(title, kind):
    if title == "Style transfer" and kind not in ("jpeg", "16 bit png"):
        pytest.skip("seconds each; what follows the reading is the same")
    task = BY_TITLE[title]
    check(list(task.run(read_picture(kinds()[kind], task.longest, task.colour), **values(task))))


def check(views: list[View]):
    """Progress only grows, the end is reached and shows something."""
    fractions = [view.fraction for view in views]
    assert fractions == sorted(fractions) and fractions[-1] == 1 and len(views) > 1
    assert all(view.words for view in views) and views[-1].pictures
    assert all(x.isfinite().all() for view in views for x in view.pictures.values())


@pytest.mark.parametrize("network", denoisers().values())
@pytest.mark.parametrize("sigma", [0, 25])
def test_every_denoiser_of_the_course_is_offered_and_runs(network, sigma):
    task = BY_TITLE["Denoise"]
    views = list(task.run(CAT[..., :61, :50], **values(task, network=network, sigma=sigma)))
    check(views)
    y_hat = views[-1].pictures["denoised"]
    assert y_hat.shape[-2:] == (61, 50)
    if sigma and network in ("dncnn-s25", "dncnn-blind", "ffdnet-grey", "bf-cnn-10", "cbdnet-gaussian"):
        clean = CAT[..., :61, :50] if y_hat.shape[1] == 3 else grey(CAT[..., :61, :50])
        assert metrics.psnr(y_hat, clean) > metrics.psnr(views[-1].pictures["noisy"], clean) + 4


def test_one_image_is_enough_to_learn_from():
    task = BY_TITLE["Learn from one image"]
    views = list(task.run(CAT[..., :96, :96], **values(task, steps=200)))
    before, after = (metrics.psnr(views[-1].pictures[name], CAT[..., :96, :96]) for name in ("noisy", "denoised"))
    assert after > before + 2 and len(views) == 12
    assert metrics.psnr(views[1].pictures["denoised"], CAT[..., :96, :96]) < after, "it is seen to get better"


def test_stored_denoisers_are_all_found():
    names = {path.stem for path in reference.WEIGHTS.glob("*.safetensors")}
    assert {name for name in names if name.startswith(("dncnn", "ffdnet", "bf-cnn", "cbdnet"))} <= set(
        denoisers().values()
    )


def test_tiles_make_no_seam():
    task = BY_TITLE["Denoise"]
    picture = data.photographs(None, grey=False, names=["chelsea"])["chelsea"][None, :, :170, :330]
    for network in ("dncnn-10", "ffdnet-grey"):
        *_, last = task.run(picture, **values(task, network=network))
        model, z = reference.load(network), last.pictures["noisy"]
        with torch.no_grad():
            want = model(z, 25 / 255) if network.startswith("ffd") else model(z)
        assert (last.pictures["denoised"] - want).abs().max() < 1e-5


def test_a_picture_that_is_too_small_is_refused_in_words():
    with pytest.raises(ValueError, match="17 pixels"):
        list(BY_TITLE["Deep Dream"].run(CAT[..., :10, :10], **values(BY_TITLE["Deep Dream"])))


@pytest.mark.parametrize("title", BY_TITLE)
def test_a_task_can_be_left_at_any_step(title):
    """What it took along, such as a hook in the network, is gone: the next run is the same."""
    task = BY_TITLE[title]
    views = task.run(CAT[..., :64, :64], **values(task))
    next(views), next(views)
    views.close()
    first, second = (list(task.run(CAT[..., :64, :64], **values(task)))[-1] for _ in range(2))
    assert first.words == second.words
    assert all(torch.equal(first.pictures[name], second.pictures[name]) for name in first.pictures)


def test_the_field_is_where_one_points():
    task = BY_TITLE["What a pixel looked at"]
    *_, last = task.run(CAT, **values(task, down=100, across=0))
    weight = last.pictures["what it looked at"][0, 0]
    row, column = divmod(weight.argmax().item(), weight.shape[1])
    assert (row, column) > (weight.shape[0] - 12, 0) and column < 12, "at the lower left corner"
    assert "Row 127, column 0" in last.words


def test_attention_is_bright_where_something_is():
    task = BY_TITLE["Where a network looks"]
    picture = torch.full((1, 3, 96, 96), 0.5)
    picture[..., 64:80, 64:80] = torch.rand(16, 16, generator=torch.Generator().manual_seed(0))
    *_, last = task.run(picture, **values(task, side=96))
    block = last.pictures["block 1"].mean(1)[0] / picture.mean(1)[0].clamp(min=0.1)
    assert block[60:84, 60:84].mean() > 1.5 * block[20:50, 20:50].mean()
