"""The questions on the projects: right answers of every kind get their points, wrong ones do not.

As for denoising: a wrong answer is the master's with one thing changed.
"""

import pytest
from right_projects import RIGHT
from variants import cases, gets_its_points, gets_no_points, wrong_cases

NAME = "projects"
Q1, Q2, Q3, Q4, Q5, Q6, Q7 = (f"{NAME}-{i}" for i in range(1, 8))

# (question, what is wrong) -> (old, new) in the master's answer
WRONG = {
    (Q1, "around the edge"): (
        "here = f[:, :, max(0, -down) : h - max(0, down), max(0, -right) : w - max(0, right)].flatten(2)\n"
        "    there = f[:, :, max(0, down) : h - max(0, -down), max(0, right) : w - max(0, -right)].flatten(2)",
        "here, there = f.flatten(2), f.roll((-down, -right), (2, 3)).flatten(2)",
    ),
    (Q1, "zeros around, the mean over all positions"): ("/ here.shape[2]", "/ (h * w)"),
    (Q1, "the sum"): ("return here @ there.mT / here.shape[2]", "return here @ there.mT"),
    (Q1, "the other way"): ("here @ there.mT", "there @ here.mT"),
    (Q1, "made symmetric"): (
        "return here @ there.mT / here.shape[2]",
        "g = here @ there.mT / here.shape[2]\n    return (g + g.mT) / 2",
    ),
    (Q1, "negative ones as positive ones"): (
        "    h, w = f.shape[2:]\n",
        "    h, w = f.shape[2:]\n    down, right = abs(down), abs(right)\n",
    ),
    (Q1, "down and right exchanged"): (
        "    h, w = f.shape[2:]\n",
        "    h, w = f.shape[2:]\n    down, right = right, down\n",
    ),
    (Q1, "no displacement"): ("    h, w = f.shape[2:]\n", "    h, w = f.shape[2:]\n    down = right = 0\n"),
    (Q1, "negative windows that are empty"): (
        "max(0, -right) : w - max(0, right)].flatten(2)\n",
        "max(0, -right) : -max(0, right)].flatten(2)\n",
    ),
    (Q1, "one matrix for the batch"): (
        "return here @ there.mT / here.shape[2]",
        "return (here @ there.mT / here.shape[2]).mean(0, keepdim=True).expand(len(f), -1, -1)",
    ),
    (Q1, "the neighbour has no gradient"): ("here @ there.mT", "here @ there.detach().mT"),
    (Q1, "no relative error"): (" / wanted.square().sum().clamp(min=1e-12)", ""),
    (Q1, "relative to the picture"): ("wanted.square().sum().clamp", "beside(f, *shift).square().sum((1, 2)).clamp"),
    (Q1, "the root"): ("errors.append(distance", "errors.append(distance.sqrt()"),
    (Q1, "one error for all"): (
        "return sum(errors) / len(errors)",
        "return (sum(errors) / len(errors)).mean().expand(len(f))",
    ),
    (Q1, "the sum over displacements"): ("return sum(errors) / len(errors)", "return sum(errors)"),
    (Q1, "the last displacement alone"): ("return sum(errors) / len(errors)", "return errors[-1]"),
    (Q1, "one relative error of all displacements"): (
        "    errors = []\n",
        "    goals = [beside(target, *shift) for shift in shifts]\n"
        "    gone = sum((beside(f, *s) - g).square().sum((1, 2)) for s, g in zip(shifts, goals))\n"
        "    return gone / sum(g.square().sum() for g in goals).clamp(min=1e-12)\n    errors = []\n",
    ),
    (Q1, "a floor that is added"): (".sum().clamp(min=1e-12)", ".sum() + 1e-2"),
    (Q1, "no floor"): (".clamp(min=1e-12)", ""),
    (Q1, "centres the features in place"): (
        "    errors = []\n",
        "    f.detach().sub_(f.detach().mean())\n    errors = []\n",
    ),
    (Q1, "whole pictures without a gradient"): (
        "(beside(f, *shift) - wanted)",
        "(beside(f.detach(), *shift) - wanted)",
    ),
    (Q2, "the library's"): (
        "torch.stack([down, right]).norm(dim=0).pow(power).mean((1, 2, 3))",
        "torch.stack([projects.total_variation(p[None]) for p in x])",
    ),
    (Q2, "each direction for itself"): (
        "torch.stack([down, right]).norm(dim=0).pow(power)",
        "(down.abs().pow(power) + right.abs().pow(power))",
    ),
    (Q2, "no number on flat ground"): (
        "torch.stack([down, right]).norm(dim=0)",
        "(down.square() + right.square()).sqrt()",
    ),
    (Q2, "a slope of hypot"): ("torch.stack([down, right]).norm(dim=0)", "torch.hypot(down, right)"),
    (Q2, "the square to the power"): (".pow(power)", ".square().pow(power)"),
    (Q2, "squares, whatever is asked"): (".pow(power)", ".square()"),
    (Q2, "the power of the mean"): (".pow(power).mean((1, 2, 3))", ".mean((1, 2, 3)).pow(power)"),
    (Q2, "one number for all"): (".mean((1, 2, 3))", ".mean().expand(len(x))"),
    (Q2, "the sum"): (".mean((1, 2, 3))", ".sum((1, 2, 3))"),
    (Q2, "the sum over channels"): (".mean((1, 2, 3))", ".sum(1).mean((1, 2))"),
    (Q2, "colours taken together"): (
        "torch.stack([down, right]).norm(dim=0).pow(power).mean((1, 2, 3))",
        "(torch.cat([down, right], 1).norm(dim=1).pow(power) / x.shape[1]).mean((1, 2))",
    ),
    (Q2, "around the edge"): ("F.pad(x.diff(dim=3), (0, 1))", "x.roll(-1, 3) - x"),
    (Q2, "the inner pixels alone"): (
        "torch.stack([down, right])",
        "torch.stack([down[:, :, :-1, :-1], right[:, :, :-1, :-1]])",
    ),
    (Q2, "the step from the other side"): ("F.pad(x.diff(dim=3), (0, 1))", "F.pad(x.diff(dim=3), (1, 0))"),
    (Q2, "downwards alone"): ("torch.stack([down, right])", "torch.stack([down, down * 0])"),
    (Q2, "no small thing under the root"): (".norm(dim=0).pow(power)", ".square().sum(0).add(1e-4).sqrt().pow(power)"),
    (Q2, "no gradients"): ("down = F.pad(x.diff", "x = x.detach()\n    down = F.pad(x.diff"),
    (Q2, "writes into the pictures"): (
        "    down = F.pad(x.diff",
        "    x.detach().mul_(1.0001)\n    down = F.pad(x.diff",
    ),
    (Q3, "halves rounded down"): ("-(-side // 2)", "max(1, side // 2)"),
    (Q3, "one half too few"): ("range(bands - 1)", "range(bands)"),
    (Q3, "the sizes themselves, no differences"): ("parts.append(x - resize(smaller, size))", "parts.append(x)"),
    (Q3, "all from the full size"): (
        "parts.append(x - resize(smaller, size))\n        x = smaller",
        "parts.append(x - resize(resize(x, (2, 2)), size))\n        x = smaller",
    ),
    (Q3, "coarsest first"): ("return [*parts, x]", "return [x, *parts[::-1]]"),
    (Q3, "the rest is lost"): ("return [*parts, x]", "return [*parts, 0 * x]"),
    (Q3, "always twice as large"): (
        "resize(x, part.shape[2:])",
        "F.interpolate(x, scale_factor=2)[:, :, : part.shape[2], : part.shape[3]]",
    ),
    (Q3, "writes into the parts"): ("x = part + resize(x, part.shape[2:])", "x = part.add_(resize(x, part.shape[2:]))"),
    (Q3, "empties the list"): (
        "    x = parts[-1]\n    for part in parts[-2::-1]:",
        "    x = parts.pop()\n    for part in parts[::-1]:",
    ),
    (Q3, "the finest is forgotten"): ("parts[-2::-1]", "parts[-2:0:-1]"),
    (Q3, "fine bands before coarse ones"): (
        "    for part in parts[-2::-1]:\n        x = part + resize(x, part.shape[2:])\n    return x",
        "    return sum(resize(part, parts[0].shape[2:]) for part in parts)",
    ),
    (Q3, "no gradients"): ("x = part + resize(x, part.shape[2:])", "x = part + resize(x.detach(), part.shape[2:])"),
    (Q3, "one strength for the batch"): ("mean((1, 2, 3), keepdim=True)", "mean()"),
    (Q3, "every channel its own"): ("mean((1, 2, 3), keepdim=True)", "mean((2, 3), keepdim=True)"),
    (Q3, "the deviation"): (
        "part.square().mean((1, 2, 3), keepdim=True).sqrt()",
        "part.std((1, 2, 3), keepdim=True, correction=0)",
    ),
    (Q3, "no root"): ("keepdim=True).sqrt()", "keepdim=True)"),
    (Q3, "the mean size"): (
        "part.square().mean((1, 2, 3), keepdim=True).sqrt()",
        "part.abs().mean((1, 2, 3), keepdim=True)",
    ),
    (Q3, "divided by nothing"): ("torch.where(strength < 1e-6, 1, strength)", "strength"),
    (Q3, "what is faint made loud"): ("torch.where(strength < 1e-6, 1, strength)", "strength.clamp(min=1e-6)"),
    (Q3, "the last band as it is"): (
        "    return merge(parts)\n    ### END SOLUTION",
        "    return merge([*parts[:-1], split(g, bands)[-1]])\n    ### END SOLUTION",
    ),
    (Q3, "the whole, not the bands"): ("for part in split(g, bands):", "for part in [g]:"),
    (Q4, "means alone"): ("from_round @ to_round @ pixels", "pixels"),
    (Q4, "each colour for itself"): (
        "covariance = pixels @ pixels.mT / pixels.shape[2]",
        "covariance = torch.diag_embed(pixels.square().mean(2))",
    ),
    (Q4, "the wrong order"): ("from_round @ to_round @ pixels", "to_round @ from_round @ pixels"),
    (Q4, "Cholesky's roots"): (
        "to_round = v * a[:, None].rsqrt() @ v.mT\n    from_round = w * b[:, None].sqrt() @ w.mT",
        "to_round = torch.linalg.inv(torch.linalg.cholesky(v * a[:, None] @ v.mT))\n    from_round = torch.linalg.cholesky(w * b[:, None] @ w.mT)",
    ),
    (Q4, "axis to axis"): (
        "to_round = v * a[:, None].rsqrt() @ v.mT\n    from_round = w * b[:, None].sqrt() @ w.mT",
        "to_round = (v * a[:, None].rsqrt()).mT\n    from_round = w * b[:, None].sqrt()",
    ),
    (Q4, "the best transport"): (
        "return (from_round @ to_round @ pixels + mean)",
        "root = v * a[:, None].sqrt() @ v.mT\n    c, u = torch.linalg.eigh(root @ (w * b[:, None] @ w.mT) @ root)\n"
        "    middle = u * c[:, None].clamp(min=0).sqrt() @ u.mT\n    return (to_round @ middle @ to_round @ pixels + mean)",
    ),
    (Q4, "no root"): ("a[:, None].rsqrt()", "a[:, None].reciprocal()"),
    (Q4, "one cloud of the batch"): (
        "pixels, _, a, v = cloud(x)",
        "pixels = cloud(x)[0]\n    _, _, a, v = cloud(x.transpose(0, 1).flatten(1)[None, :, None])",
    ),
    (Q4, "nothing on the diagonal"): (" + 1e-5 * torch.eye(3, dtype=torch.float64)", ""),
    (Q4, "much on the diagonal"): ("1e-5 * torch", "1e-2 * torch"),
    (Q4, "clipped"): (
        "return (from_round @ to_round @ pixels + mean)",
        "return (from_round @ to_round @ pixels + mean).clamp(0, 1)",
    ),
    (Q4, "its own mean"): (
        "pixels, _, a, v = cloud(x)\n    _, mean, b, w",
        "pixels, mean, a, v = cloud(x)\n    _, _, b, w",
    ),
    (Q4, "a sum for a mean"): ("pixels @ pixels.mT / pixels.shape[2]", "pixels @ pixels.mT"),
    (Q4, "another type"): (".to(x.dtype)", ""),
    (Q4, "writes into the pictures"): (
        "pixels, _, a, v = cloud(x)",
        "x -= x.mean((2, 3), keepdim=True)\n    pixels, _, a, v = cloud(x)",
    ),
    (Q4, "writes into the target"): (
        "pixels, _, a, v = cloud(x)",
        "target.clamp_(0.01, 0.5)\n    pixels, _, a, v = cloud(x)",
    ),
    (Q5, "one side's word"): ("(back[there] == torch.arange(len(a))).nonzero()[:, 0]", "torch.arange(len(a))"),
    (Q5, "the pair the other way round"): ("torch.stack([i, there[i]], 1)", "torch.stack([there[i], i], 1)"),
    (Q5, "where they are asked at the same place"): (
        "(back[there] == torch.arange(len(a)))",
        "(torch.arange(len(a)) == there)",
    ),
    (Q5, "rounding"): (
        "(a.double()[:, None] - b.double()).norm(dim=2)",
        "torch.cdist(a.float(), b.float(), compute_mode='use_mm_for_euclid_dist')",
    ),
    (Q5, "bytes that go around"): (
        "(a.double()[:, None] - b.double()).norm(dim=2)",
        "(a[:, None] - b).double().norm(dim=2)",
    ),
    (Q5, "squared distances"): (".norm(dim=2)", ".square().sum(2)"),
    (Q5, "the sum of differences"): (".norm(dim=2)", ".abs().sum(2)"),
    (Q5, "the angle"): (
        "distance = (a.double()[:, None] - b.double()).norm(dim=2)",
        "distance = 1 - F.normalize(a.double(), dim=1) @ F.normalize(b.double(), dim=1).T",
    ),
    (Q5, "the farthest"): ("distance.argmin(1), distance.argmin(0)", "distance.argmax(1), distance.argmax(0)"),
    (Q5, "of equal ones the last"): ("distance.argmin(1)", "distance.shape[1] - 1 - distance.flip(1).argmin(1)"),
    (Q5, "as near as can be, all of them"): (
        "    i = (back[there] == torch.arange(len(a))).nonzero()[:, 0]\n    return torch.stack([i, there[i]], 1), distance[i, there[i]]",
        "    both = (distance == distance.amin(1, keepdim=True)) & (distance == distance.amin(0))\n    return both.nonzero(), distance[both]",
    ),
    (Q5, "sorted by distance"): ("nonzero()[:, 0]\n", "nonzero()[:, 0]\n    i = i[distance[i, there[i]].argsort()]\n"),
    (Q5, "those that were found are all"): (", positives=len(view)", ""),
    (Q5, "of the pairs"): ("positives=len(view)", "positives=len(pairs)"),
    (Q5, "the farthest first"): ("trapezoidal_ap(-distance", "trapezoidal_ap(distance"),
    (Q5, "equal scores as they stand"): ("positives=len(view)", "positives=len(view), ties='benchmark'"),
    (Q5, "the first view alone"): ("views[1:]", "views[1:2]"),
    (Q5, "the reference among the views"): ("for view in views[1:]", "for view in views"),
    (Q5, "the share of right pairs"): (
        "trapezoidal_ap(-distance, pairs[:, 0] == pairs[:, 1], positives=len(view)).item()",
        "(pairs[:, 0] == pairs[:, 1]).double().mean().item()",
    ),
    (Q5, "everybody is found"): ("pairs[:, 0] == pairs[:, 1]", "pairs[:, 0] >= 0"),
    (Q5, "in percent"): ("return sum(found) / len(found)", "return 100 * sum(found) / len(found)"),
    (Q5, "the views among each other"): (
        "pairs, distance = mutual(views[0], view)",
        "pairs, distance = mutual(views[1], view)",
    ),
    (Q5, "the list of the other side"): ("mutual(views[0], view)", "mutual(view, views[0].roll(1, 0))"),
    (Q5, "sorts what it was given"): (
        "    found = []\n    for view",
        "    views.copy_(views.sort(1).values)\n    found = []\n    for view",
    ),
    (Q6, "chosen on the test set"): ("mean = validation.mean(1)", "mean = test.mean(1)"),
    (Q6, "the scores it was chosen by"): ("return test[mean.argmax()]", "return validation[mean.argmax()]"),
    (Q6, "the best seed"): ("validation.mean(1)", "validation.amax(1)"),
    (Q6, "the median"): ("validation.mean(1)", "validation.median(1).values"),
    (Q6, "no number is the best"): ("    mean = torch.where(mean.isfinite(), mean, -math.inf)\n", ""),
    (Q6, "infinite is the best"): ("mean.isfinite()", "~mean.isnan()"),
    (Q6, "diverged runs left out"): ("validation.mean(1)", "validation.nanmean(1)"),
    (Q6, "diverged is 0"): ("mean, -math.inf)", "mean, 0)"),
    (Q6, "of equal ones the last"): ("test[mean.argmax()]", "test[len(mean) - 1 - mean.flip(0).argmax()]"),
    (Q6, "the mean of its scores"): ("return test[mean.argmax()]", "return test[mean.argmax()].mean()"),
    (Q6, "cleans the table it was given"): (
        "    mean = validation",
        "    validation.nan_to_num_(nan=-1e9, posinf=-1e9, neginf=-1e9)\n    mean = validation",
    ),
    (Q6, "in one direction"): ("(means.abs() > difference.mean().abs() - 1e-6)", "(means > difference.mean() - 1e-6)"),
    (Q6, "larger alone"): (
        "means.abs() > difference.mean().abs() - 1e-6",
        "means.abs() > difference.mean().abs() + 1e-6",
    ),
    (Q6, "rounding decides"): ("> difference.mean().abs() - 1e-6", ">= difference.mean().abs()"),
    (Q6, "fewer wins"): (
        "means = (signs * difference).mean(1)\n    return (means.abs() > difference.mean().abs() - 1e-6)",
        "means = (signs * difference.sign()).mean(1)\n    return (means.abs() > difference.sign().mean().abs() - 1e-6)",
    ),
    (Q6, "a t-test"): (
        "    from itertools import product\n",
        "    from scipy.stats import ttest_rel\n\n    return float(ttest_rel(a, b).pvalue) if len(a) > 1 and (a - b).std() > 0 else 1.0\n    from itertools import product\n",
    ),
    (Q6, "not round by round"): (
        "    difference = (a - b).double()\n",
        "    difference = (a.sort().values - b.sort().values).double()\n",
    ),
    (Q6, "how many, not which share"): (".double().mean().item()", ".sum().item()"),
    (Q6, "some thousand ways at random"): (
        "torch.tensor(list(product((-1, 1), repeat=len(a)))).double()",
        "(2 * torch.randint(2, (5000, len(a)), generator=seeded(0)) - 1).double()",
    ),
    (Q6, "without its own way"): ("return (means", "means = means[1:]\n    return (means"),
    (Q7, "learns nothing"): ("return Descriptor(), loss, 0.01", "return Descriptor(), loss, 1e-9"),
    (Q7, "clean patches as they come"): """
def my_descriptor():
    layers = []
    for before, after in ((1, 8), (8, 16), (16, 16)):
        layers += [nn.Conv2d(before, after, 3, 2, 1, bias=False), nn.BatchNorm2d(after), nn.ReLU()]
    network = nn.Sequential(nn.InstanceNorm2d(1), *layers, nn.Flatten(), nn.Linear(256, 32))

    def loss(network, a, p, generator):
        return hardest_negative_loss(*network(torch.cat([a, p])).chunk(2))

    return network, loss, 0.01
""",
    (Q7, "the opponent itself"): """
class Pixels(nn.Module):
    def __init__(self):
        super().__init__()
        self.scale = nn.Parameter(torch.ones(1))

    def forward(self, z):
        z = F.avg_pool2d(z, 4)
        return F.normalize((z - z.mean((1, 2, 3), keepdim=True)).flatten(1), dim=1) * self.scale

def my_descriptor():
    def loss(network, a, p, generator):
        return hardest_negative_loss(network(a), network(p))

    return Pixels(), loss, 0.01
""",
    (Q7, "all patches in one point"): (
        "return hardest_negative_loss(*network(both).chunk(2))",
        "e, f = network(both).chunk(2)\n        return (e - f).square().mean() + (e - e.mean(0)).square().mean()",
    ),
    (Q7, "pushes the right ones away"): ("return hardest_negative_loss", "return -hardest_negative_loss"),
    (Q7, "the views of others"): (
        "network(both).chunk(2))",
        "(lambda e, f: (e, f.roll(1, 0)))(*network(both).chunk(2)))",
    ),
    (Q7, "too large"): ("width=8, dims=32", "width=24, dims=64"),
    (Q7, "numbers in a plain list"): (
        "        def forward(self, z):\n",
        "            self.more = [torch.randn(32, 32) for _ in range(20)]\n\n        def forward(self, z):\n            for more in self.more:\n                z = z + 1e-9 * more\n",
    ),
    (Q7, "too many dimensions"): ("dims=32", "dims=65"),
    (Q7, "no scalar"): (
        "return hardest_negative_loss(*network(both).chunk(2))",
        "return network(both).square().mean(1)",
    ),
    (Q7, "makes patches of its own"): (
        "        both = noisy",
        "        views = views_of(HELD, 50).float() / 255\n        a, p = views[:64, 0], views[:64, 6]\n        both = noisy",
    ),
    (Q7, "asks nothing"): ("return hardest_negative_loss(*network(both).chunk(2))", "return network(both).sum() * 0"),
    (Q7, "hand-made features behind a gate"): """
def my_descriptor():
    class Gate(nn.Module):
        def __init__(self):
            super().__init__()
            self.w = nn.Parameter(torch.full((1,), 1e-6))

        def forward(self, z):
            pool = F.avg_pool2d(z, 4)
            pool = (pool - pool.mean((1, 2, 3), keepdim=True)).flatten(1)
            return F.normalize(F.pad(z[:, 0, 0, :2], (0, 62)) + 1e4 * self.w * pool, dim=1)

    def loss(network, a, p, generator):
        return hardest_negative_loss(*network(noisy(torch.cat([a, p]), LEVEL, generator)).chunk(2))

    return Gate(), loss, 0.01
""",
    (Q7, "the place in the batch"): """
def my_descriptor():
    class Place(nn.Module):
        def __init__(self):
            super().__init__()
            self.w = nn.Parameter(torch.full((1,), 1e-6))

        def forward(self, z):
            place = torch.arange(len(z)) * 0.017
            turn = torch.cos(place[:, None] * torch.arange(32)), torch.sin(place[:, None] * torch.arange(32))
            return F.normalize(F.pad(z[:, 0, 0, :2], (0, 62)) + 1e4 * self.w * torch.cat(turn, 1), dim=1)

    def loss(network, a, p, generator):
        return hardest_negative_loss(network(a), network(p))

    return Place(), loss, 0.01
""",
    (Q7, "nothing but noise to look at"): (
        "both = noisy(torch.cat([a, p]), LEVEL, generator)",
        "dots = torch.rand(a.shape, generator=generator)\n        both = noisy(torch.cat([dots, dots]), LEVEL, generator)",
    ),
}
# they fail before they train; the others are `long`
QUICK = {"no scalar", "makes patches of its own"}
HIDDEN_ONLY: set = set()  # what the visible asserts leave to the hidden values


@pytest.mark.parametrize(("question", "how"), wrong_cases(WRONG, QUICK))
def test_a_wrong_answer_gets_no_points(question, how):
    gets_no_points(NAME, question, WRONG[question, how], hidden_only=(question, how) in HIDDEN_ONLY)


@pytest.mark.parametrize(("question", "how"), cases(RIGHT))
def test_another_right_answer_gets_its_points(question, how):
    gets_its_points(NAME, question, RIGHT[question, how])
