"""Style transfer: its numbers by hand, what they must not depend on, and paintings of a few pixels."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from course_lib.projects import NamedLayers, gram, paint, relative_error, total_variation


def draw(*shape, seed=0):
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed))


def small(scale: float = 1.0) -> NamedLayers:
    """Two layers; the outputs of both are ``scale`` times as large, which nobody should notice."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        first, second = nn.Conv2d(3, 6, 3, padding=1), nn.Conv2d(6, 6, 3, padding=1, bias=False)
    with torch.no_grad():
        first.weight.mul_(scale)
        first.bias.mul_(scale)
    return NamedLayers([("", first), ("a", nn.ReLU()), ("b", second)], content="a", style=("a", "b"))


CONTENT, STYLE = draw(1, 3, 12, 10), draw(1, 3, 9, 14, seed=1).square()


def painted(network=None, ratio=(1, 100), **options):
    *_, last = paint(network or small(), CONTENT, STYLE, ratio, evaluations=options.pop("evaluations", 40), **options)
    return last


def test_gram_by_hand():
    f = torch.tensor([[[[1.0, 0.0], [2.0, 1.0]], [[0.0, 3.0], [1.0, 0.0]]]])
    assert gram(f).tolist() == [[[6 / 4, 2 / 4], [2 / 4, 10 / 4]]]


@settings(deadline=None, max_examples=25)
@given(c=st.integers(1, 5), h=st.integers(1, 6), w=st.integers(1, 6), seed=st.integers(0, 99))
def test_gram_forgets_where(c, h, w, seed):
    f = draw(2, c, h, w, seed=seed) - 0.5
    order = torch.randperm(h * w, generator=torch.Generator().manual_seed(seed))
    elsewhere = f.flatten(2)[..., order].view_as(f)
    torch.testing.assert_close(gram(elsewhere), gram(f))
    torch.testing.assert_close(gram(f.tile(1, 1, 2, 3)), gram(f))  # a larger piece of the same pattern
    assert (torch.linalg.eigvalsh(gram(f).double()) > -1e-6).all()


def test_relative_error():
    a, b = draw(4, 4), draw(4, 4, seed=1)
    assert relative_error(a, a) == 0 and relative_error(torch.zeros(4, 4), a) == 1
    torch.testing.assert_close(relative_error(1000 * a, 1000 * b), relative_error(a, b))
    assert relative_error(a, torch.zeros(4, 4)).isfinite()
    with pytest.raises(ValueError, match="x and target must have the same shape"):
        relative_error(a, b[:2])


def test_total_variation_by_hand():
    assert total_variation(torch.full((1, 3, 4, 5), 0.3)) == 0
    ramp = torch.arange(4.0).view(1, 1, 1, 4).expand(1, 1, 3, 4)
    assert total_variation(ramp) == 1 and total_variation(2 * ramp) == 4
    assert total_variation(torch.tensor([[[[0.0, 1.0], [1.0, 0.0]]]])) == 2


@pytest.mark.parametrize("optimizer", ["lbfgs", "adam"])
def test_the_style_comes_nearer_and_the_pixels_stay_in_range(optimizer):
    last = painted(optimizer=optimizer)
    (content, style), *_ = last.tried
    assert last.style < 0.3 * style and content < 1e-10 < last.content
    assert last.picture.shape == CONTENT.shape and last.picture.min() >= 0 and last.picture.max() <= 1


def test_content_alone_is_found_again_from_noise():
    last = painted(ratio=(1, 0), noise=True, smoothness=0.0, evaluations=150)
    assert last.content < 0.01 * last.tried[0][0]


def test_content_alone_from_the_content_changes_nothing():
    assert torch.equal(painted(ratio=(100, 0), smoothness=0.0).picture, CONTENT)


def test_a_ratio_means_the_same_whatever_the_unit_of_the_layers():
    a, b = painted(evaluations=15), painted(small(scale=100.0), evaluations=15)
    torch.testing.assert_close(torch.tensor(a.tried), torch.tensor(b.tried), rtol=1e-3, atol=1e-6)
    torch.testing.assert_close(a.picture, b.picture, rtol=0, atol=1e-2)


def test_more_weight_on_the_style_is_less_error_in_it():
    ends = [painted(ratio=ratio, smoothness=0.0, evaluations=80) for ratio in ((100, 1), (1, 1), (1, 100))]
    style, content = [end.style for end in ends], [end.content for end in ends]
    assert style == sorted(style, reverse=True) and content == sorted(content)


def test_one_can_watch_and_stop():
    painting = paint(small(), CONTENT, STYLE, evaluations=60, noise=True, seed=3)
    first = next(painting)
    seen = len(first.tried), first.picture.clone()
    second = next(painting)
    assert 10 <= seen[0] < len(second.tried) and not torch.equal(seen[1], second.picture)
    painting.close()
    assert torch.equal(painted(noise=True, seed=3, evaluations=11).picture, seen[1])
    assert len(painted(optimizer="adam", evaluations=7).tried) == 7


def test_the_errors_are_those_of_the_picture():
    network, last = small(), painted(evaluations=25)
    content, *_ = network(last.picture, "a")
    pairs = zip(network(last.picture, "a", "b"), network(STYLE, "a", "b"), strict=True)
    errors = [relative_error(gram(x), gram(y)).item() for x, y in pairs]
    assert last.style == pytest.approx(sum(errors) / 2, rel=1e-4)
    assert last.content == pytest.approx(relative_error(content, network(CONTENT, "a")[0]).item(), rel=1e-4)


class Cliff(nn.Module):
    """Fine near [0, 1]; from 1.5 on there is nothing but NaN, as where a line search has gone far too far."""

    content, style = "a", ("a",)

    def forward(self, x, *wanted):
        return [torch.where(x.abs() < 1.5, x, torch.nan) for _ in wanted]


def test_a_step_to_infinity_is_taken_back(monkeypatch):
    steps = torch.optim.LBFGS.step

    def too_far(self, loss):
        value = steps(self, loss)
        if calls.append(1) or len(calls) == 2:
            with torch.no_grad():
                self.param_groups[0]["params"][0].fill_(torch.inf)
        return value

    calls = []
    monkeypatch.setattr(torch.optim.LBFGS, "step", too_far)
    first, second, third, *_ = paint(small(), CONTENT, STYLE, evaluations=60)
    assert torch.equal(first.picture, second.picture) and third.style < second.style
    monkeypatch.undo()
    last = painted(Cliff(), evaluations=40)
    assert last.picture.isfinite().all() and last.picture.min() >= 0 and last.picture.max() <= 1


def test_what_cannot_be_painted_is_refused_at_once():
    for wrong, message in (
        (dict(content=CONTENT[:, :1]), "content must have 3 channel"),
        (dict(style=255 * STYLE), "style must"),
        (dict(content=CONTENT.repeat(2, 1, 1, 1)), "content must be a single picture"),
        (dict(ratio=(0, 0)), "ratio must be two weights"),
        (dict(ratio=(-1, 2)), "ratio must be two weights"),
        (dict(optimizer="sgd"), "optimizer must be lbfgs or adam"),
    ):
        with pytest.raises(ValueError, match=message):
            paint(small(), **{"content": CONTENT, "style": STYLE, **wrong})
