"""The questions on metric learning: right answers of every kind get their points, wrong ones do not.

As for denoising: a wrong answer is the master's with one thing changed.
"""

import pytest
from right_metric_learning import RIGHT
from variants import cases, gets_its_points, gets_no_points

NAME = "metric_learning"
Q1, Q2, Q3, Q4, Q5, Q6, Q7 = (f"{NAME}-{i}" for i in range(1, 8))

# (question, what is wrong) -> (old, new) in the master's answer
WRONG = {
    (Q1, "squared distances"): (".clamp(min=1e-12).sqrt()", ""),
    (Q1, "the gradient of equal embeddings"): (".clamp(min=1e-12)", ""),
    (Q1, "y the other way round"): ("(1 - y) / 2 * pull + y / 2 * push", "y / 2 * pull + (1 - y) / 2 * push"),
    (Q1, "no half"): ("(1 - y) / 2 * pull + y / 2 * push", "(1 - y) * pull + y * push"),
    (Q1, "pushes for ever"): (".clamp(min=0) ** p", " ** p"),
    (Q1, "forgets the margin"): ("margin - d", "1 - d"),
    (Q1, "forgets p for the push"): (".clamp(min=0) ** p", ".clamp(min=0)"),
    (Q1, "every a with every b"): ("(a - b).square().sum(1).clamp(min=1e-12).sqrt()", "torch.cdist(a, b)"),
    (Q1, "a sum"): (".mean()", ".sum()"),
    (Q1, "a number for each pair"): (".mean()", ""),
    (Q2, "squared distances"): (".clamp(min=1e-12).sqrt()", ""),
    (Q2, "the gradient of equal embeddings"): (".clamp(min=1e-12)", ""),
    (Q2, "positive and negative exchanged"): (
        "distance(anchor, positive) - distance(anchor, negative)",
        "distance(anchor, negative) - distance(anchor, positive)",
    ),
    (Q2, "from the positive to the negative"): ("distance(anchor, negative)", "distance(positive, negative)"),
    (Q2, "no clamp"): (".clamp(min=0).mean()", ".mean()"),
    (Q2, "the mean of what is not right yet"): (
        "(margin + gap).clamp(min=0).mean()",
        "(margin + gap)[margin + gap > 0].mean().nan_to_num()",
    ),
    (Q2, "forgets the margin"): ("(margin + gap)", "(1 + gap)"),
    (Q2, "the nearest positive"): ("(-math.inf).argmax(1)", "(math.inf).argmin(1)"),
    (Q2, "the nearest positive, properly"): (
        "distances.masked_fill(~same, -math.inf).fill_diagonal_(-math.inf).argmax(1)",
        "distances.masked_fill(~same, math.inf).fill_diagonal_(math.inf).argmin(1)",
    ),
    (Q2, "the farthest negative"): (
        "distances.masked_fill(same, math.inf).argmin(1)",
        "distances.masked_fill(same, -math.inf).argmax(1)",
    ),
    (Q2, "anybody as a negative"): (
        "distances.masked_fill(same, math.inf)",
        "distances.clone().fill_diagonal_(math.inf)",
    ),
    (Q2, "negatives first"): ("return positive, negative", "return negative, positive"),
    (Q3, "distance to the mean template"): (
        "d.mean(1) if rule",
        "(queries - templates[owners == person].mean(0)).norm(dim=1) if rule",
    ),
    (Q3, "rules exchanged"): ('rule == "mean"', 'rule != "mean"'),
    (Q3, "the sum of the distances"): ("d.mean(1)", "d.sum(1)"),
    (Q3, "always the nearest"): ("d.mean(1) if", "d.amin(1) if"),
    (Q3, "lets everybody in"): ("best.values <= gamma", "best.values <= math.inf"),
    (Q3, "places for names"): ("people[best.indices]", "best.indices"),
    (Q3, "one too many"): ("rate * len(ordered)", "rate * len(ordered) + 1"),
    (Q3, "rounds up"): ("rate * len(ordered)", "math.ceil(rate * len(ordered))"),
    (Q3, "the first who may not pass"): (
        "fits = ordered[let_in <= rate * len(ordered)]\n    return fits[-1].item() if len(fits) else -math.inf",
        "k = math.floor(rate * len(ordered))\n    return ordered[k].item() if k < len(ordered) else math.inf",
    ),
    (Q3, "equal ones one after the other"): (", right=True)", ") + 1"),
    (Q3, "lets one in in any case"): ("else -math.inf", "else ordered[0].item()"),
    (Q3, "a quantile"): (
        "fits = ordered[let_in <= rate * len(ordered)]\n    return fits[-1].item() if len(fits) else -math.inf",
        "return strangers.quantile(rate, interpolation='lower').item() if rate * len(ordered) >= 1 else -math.inf",
    ),
    (Q4, "rejects first"): (
        "(different <= gamma).float().mean().item(), (same > gamma).float().mean().item()",
        "(same > gamma).float().mean().item(), (different <= gamma).float().mean().item()",
    ),
    (Q4, "shares of all pairs"): (
        "(different <= gamma).float().mean().item()",
        "(different <= gamma).sum().item() / (len(same) + len(different))",
    ),
    (Q4, "right decisions"): ("(same > gamma)", "(same <= gamma)"),
    (Q4, "accepts below the threshold only"): ("different <= gamma", "different < gamma"),
    (Q4, "the mean of the two rates"): (
        "max(rates(same, different, gamma))",
        "sum(rates(same, different, gamma)) / 2",
    ),
    (Q4, "the smaller of the two"): ("min(max(", "min(min("),
    (Q4, "the worst threshold"): ("return min(", "return max("),
    (Q4, "thresholds of the different alone"): ("torch.cat([same, different]).tolist()", "different.tolist()"),
    (Q5, "with the diagonal"): ("torch.pdist(e)", "torch.cdist(e, e)"),
    (Q5, "squared distances"): ("torch.pdist(e).mean()", "torch.pdist(e).square().mean()"),
    (Q5, "distance from the mean"): ("torch.pdist(e)", "(e - e.mean(0)).norm(dim=1)"),
    (Q5, "standard deviations"): (".svdvals(centred).square()", ".svdvals(centred)"),
    (Q5, "not centred"): ("e.double() - e.double().mean(0)", "e.double()"),
    (Q5, "counts the axes"): (
        "(variances.sum().square() / variances.square().sum()).item()",
        "float((variances > 1e-9).sum())",
    ),
    (Q5, "axes of the coordinates"): ("torch.linalg.svdvals(centred).square()", "centred.square().sum(0)"),
    (Q5, "nothing for a point"): ("if centred.abs().max() < 1e-6", "if False"),
    (Q5, "roots of the sums"): (".item()\n    ### END", ".sqrt().item()\n    ### END"),
    (Q6, "steps"): ("(hits * (precision + previous) / 2)", "(hits * precision)"),
    (Q6, "starts at precision 0"): ("torch.ones(1, dtype", "torch.zeros(1, dtype"),
    (Q6, "rising scores"): ("scores.argsort(descending=True", "scores.argsort(descending=False"),
    (Q6, "the right ones first"): (
        "right.int().argsort(stable=True)",
        "right.int().argsort(stable=True, descending=True)",
    ),
    (Q6, "the order of the list"): ("right.int().argsort(stable=True)", "torch.arange(len(right))"),
    (Q6, "divides by the length"): ("/ hits.sum().item()", "/ len(hits)"),
    (Q6, "all entries count"): ("(hits * (precision + previous) / 2)", "((precision + previous) / 2)"),
    (Q6, "the farthest first"): ("average_precision(-d,", "average_precision(d,"),
    (Q6, "the first query alone"): ("return sum(each) / len(each)", "return each[0]"),
    (Q6, "a sum"): ("return sum(each) / len(each)", "return sum(each)"),
    (Q7, "too many numbers"): ("width=8, dims=16", "width=14, dims=16"),
    (Q7, "too many dimensions"): (
        "width=8, dims=16):\n            super().__init__()",
        "width=4, dims=65):\n            super().__init__()",
    ),
    (Q7, "learns nothing"): ("return Small(), 0.01", "return Small(), 1e-7"),
    (Q7, "one point for every picture"): ("self.body((z - lamp)", "self.body(0 * (z - lamp)"),
    (Q7, "the mean brightness"): (
        "return Small(), 0.01",
        "return nn.Sequential(nn.AvgPool2d(32), nn.Flatten(), nn.Linear(1, 8)), 0.01",
    ),
    (Q1, "half a gradient"): ("(a - b)", "(a - b.detach())"),
    (Q1, "p is 1, or it is 2"): (
        "pull, push = d**p, (margin - d).clamp(min=0) ** p",
        "pull, push = (x if p == 1 else x * x for x in (d, (margin - d).clamp(min=0)))",
    ),
    (
        Q1,
        "the library's two",
    ): "def contrastive(a, b, y, margin=1.0, p=1):\n    return (contrastive_loss if p == 1 else hadsell_loss)(a, b, y, margin)\n",
    (Q2, "the negative is not pushed"): ("distance(anchor, negative)", "distance(anchor, negative.detach())"),
    (Q2, "the anchor does not move"): (
        "distance(anchor, positive) - distance(anchor, negative)",
        "distance(anchor.detach(), positive) - distance(anchor.detach(), negative)",
    ),
    (Q2, "the library's own"): (
        "return (margin + gap).clamp(min=0).mean()",
        "return triplet_loss(anchor, positive, negative, margin)",
    ),
    (Q3, "opens below gamma only"): ("best.values <= gamma", "best.values < gamma"),
    (Q3, "a hair above"): ("return fits[-1].item() if", "return fits[-1].item() + 5e-7 if"),
    (Q3, "sorts what it was given"): (
        "ordered = strangers.sort().values",
        "ordered = strangers.copy_(strangers.sort().values)",
    ),
    (Q3, "the library's gallery"): (
        "    people = owners.unique()\n",
        "    people = owners.unique()\n    from course_lib.metric_learning import TemplateGallery\n    gallery = TemplateGallery(rule)\n"
        "    for u in people.tolist():\n        gallery.enrol(str(u), templates[owners == u])\n"
        "    found = gallery.identify(queries)\n"
        "    return torch.tensor([int(n) if d <= gamma else -1 for n, d in zip(found.nearest, found.distances)])\n",
    ),
    (Q3, "answers that are no whole numbers"): ("people[best.indices], -1)", "people[best.indices].float(), -1.0)"),
    (Q4, "a fixed grid of thresholds"): (
        "torch.cat([same, different]).tolist()",
        "torch.linspace(0, 3, 1000).tolist()",
    ),
    (Q4, "a grid between the extremes"): (
        "torch.cat([same, different]).tolist()",
        "torch.linspace(min(same.min(), different.min()).item(), max(same.max(), different.max()).item(), 40).tolist()",
    ),
    (Q4, "refuses at the threshold"): ("same > gamma", "same >= gamma"),
    (Q5, "a threshold far too large"): ("< 1e-6", "< 0.05"),
    (Q5, "exactly equal alone"): ("if centred.abs().max() < 1e-6", "if torch.equal(e, e[:1].expand_as(e))"),
    (Q5, "a threshold for the variances"): (
        "    variances = torch.linalg",
        "    if centred.square().mean() < 1e-6:\n        return 0.0\n    variances = torch.linalg",
    ),
    (Q6, "the library's own"): (
        "return (hits * (precision + previous) / 2).sum().item() / hits.sum().item()",
        "return trapezoidal_ap(scores[wrong_first], right[wrong_first]).item()",
    ),
    (Q6, "sorts the list that it was given"): (
        "scores, hits = scores[wrong_first], right[wrong_first]",
        "scores[:], hits = scores[wrong_first], right[wrong_first]; scores = scores.clone()",
    ),
    (Q7, "numbers that nobody counts"): """
def my_network():
    class Hidden(nn.Module):
        def __init__(self):
            super().__init__()
            self.kept = [nn.Sequential(nn.Conv2d(1, 16, 3, 2, 1), nn.ReLU(), nn.Conv2d(16, 32, 3, 2, 1), nn.ReLU(), nn.Flatten(), nn.Linear(2048, 16))]

        def parameters(self, recurse=True):
            return self.kept[0].parameters()

        def forward(self, z):
            return self.kept[0](z - z.mean((1, 2, 3), keepdim=True))

    return Hidden(), 0.01
""",
    (Q7, "features by hand, and nothing learned"): """
def my_network():
    class Edges(nn.Module):
        def __init__(self):
            super().__init__()
            self.scale = nn.Parameter(torch.ones(()))

        def forward(self, z):
            z = F.avg_pool2d(z, 2)
            z = (z - z.mean((1, 2, 3), keepdim=True)) / (z.std((1, 2, 3), keepdim=True) + 0.02)
            edges = torch.cat([z[..., 1:, 1:] - z[..., :-1, 1:], z[..., 1:, 1:] - z[..., 1:, :-1]], 1)
            return self.scale * F.adaptive_avg_pool2d(edges.abs(), 5).flatten(1)

    return Edges(), 0.01
""",
    (Q7, "looks at the values in Python"): (
        "return self.body((z",
        "z = z if z.mean() > -1 else -z\n            return self.body((z",
    ),
    (Q1, "the law of cosines"): (
        "(a - b).square().sum(1).clamp",
        "(a.square().sum(1) + b.square().sum(1) - 2 * (a * b).sum(1)).clamp",
    ),
    (Q1, "a product of p factors"): """
def contrastive(a, b, y, margin=1.0, p=1):
    d = (a - b).square().sum(1).clamp(min=1e-12).sqrt()
    def power(x):
        out = torch.ones_like(x)
        for _ in range(int(p)):
            out = out * x
        return out
    return ((1 - y) / 2 * power(d) + y / 2 * power((margin - d).clamp(min=0))).mean()
""",
    (Q1, "two numbers of each embedding"): ("(a - b)", "(a - b)[:, :2]"),
    (Q1, "labels turned round in place"): """
def contrastive(a, b, y, margin=1.0, p=1):
    d = (a - b).square().sum(1).clamp(min=1e-12).sqrt()
    y.neg_().add_(1)
    return (y / 2 * d**p + (1 - y) / 2 * (margin - d).clamp(min=0) ** p).mean()
""",
    (Q1, "no push of equal ones"): ("y / 2 * push", "y / 2 * push * (d > 1e-5)"),
    (Q2, "the sum of absolute differences to choose"): (
        "(e[:, None] - e).norm(dim=2)",
        "(e[:, None] - e).abs().sum(2)",
    ),
    (Q2, "who is at the same place is overlooked"): (
        "negative = distances.masked_fill(same, math.inf)",
        "negative = distances.masked_fill(same | (distances == 0), math.inf)",
    ),
    (Q2, "the law of cosines to choose"): (
        "(e[:, None] - e).norm(dim=2)",
        "(e.square().sum(1)[:, None] + e.square().sum(1) - 2 * e @ e.T).clamp(min=0).sqrt()",
    ),
    (Q2, "names counted from 0, in place"): (
        "    same = labels[:, None]",
        "    labels.sub_(labels.min())\n    same = labels[:, None]",
    ),
    (Q2, "the loss of the law of cosines"): (
        "(a - b).square().sum(1).clamp",
        "(a.square().sum(1) + b.square().sum(1) - 2 * (a * b).sum(1)).clamp",
    ),
    (Q3, "the root of the mean square"): ("d.mean(1) if", "d.square().mean(1).sqrt() if"),
    (Q3, "squared distances against gamma"): ("best.values <= gamma", "best.values.square() <= gamma"),
    (Q3, "the law of cosines"): (
        "(queries[:, None] - templates).norm(dim=2)",
        "(queries.square().sum(1)[:, None] + templates.square().sum(1) - 2 * queries @ templates.T).clamp(min=0).sqrt()",
    ),
    (Q3, "nobody twice"): (
        "    return torch.where(best",
        "    best.values[1:][people[best.indices][1:] == people[best.indices][:-1]] = math.inf\n    return torch.where(best",
    ),
    (Q3, "a tolerance at the door"): ("best.values <= gamma", "best.values <= gamma + 1e-3"),
    (Q3, "counts the strangers that are different"): (
        "ordered = strangers.sort().values",
        "ordered = strangers.unique()",
    ),
    (Q4, "the library's equal error"): (
        "    thresholds = torch.cat([same, different]).tolist()\n",
        "    from course_lib.metric_learning import roc\n    return roc(same, different).equal_error[0]\n    thresholds = torch.cat([same, different]).tolist()\n",
    ),
    (Q4, "where the two are nearest"): (
        "return min(max(rates(same, different, gamma)) for gamma in thresholds)",
        "return max(min((rates(same, different, gamma) for gamma in thresholds), key=lambda r: abs(r[0] - r[1])))",
    ),
    (Q4, "a hundred thousand thresholds"): (
        "    thresholds = torch.cat([same, different]).tolist()\n    return min(max(rates(same, different, gamma)) for gamma in thresholds)",
        "    t = torch.linspace(min(same.min(), different.min()).item(), max(same.max(), different.max()).item(), 100000, dtype=torch.float64)\n    fa = torch.searchsorted(different.double().sort().values, t, right=True) / len(different)\n    fr = 1 - torch.searchsorted(same.double().sort().values, t, right=True) / len(same)\n    return torch.maximum(fa, fr).min().item()",
    ),
    (Q4, "a tolerance of a millionth"): ("different <= gamma", "different <= gamma + 1e-6"),
    (Q4, "sorted in place"): ("    thresholds =", "    same.copy_(same.sort().values)\n    thresholds ="),
    (Q4, "as many of each"): (
        "    thresholds =",
        "    n = min(len(same), len(different))\n    same, different = same[:n], different[:n]\n    thresholds =",
    ),
    (Q5, "a point if the mean deviation is small"): ("centred.abs().max()", "centred.abs().mean()"),
    (Q5, "a point if the norm is small"): ("centred.abs().max()", "centred.norm()"),
    (Q5, "a point if all numbers are alike"): ("if centred.abs().max() < 1e-6", "if e.std() < 1e-6"),
    (Q5, "a point if the first number is"): ("centred.abs().max()", "centred[:, 0].abs().max()"),
    (Q6, "a nudge for ties"): (
        "    wrong_first = right.int().argsort(stable=True)\n    scores, hits = scores[wrong_first], right[wrong_first]\n",
        "    scores, hits = scores - 1e-5 * right, right\n",
    ),
    (Q6, "a nudge in double precision"): (
        "    wrong_first = right.int().argsort(stable=True)\n    scores, hits = scores[wrong_first], right[wrong_first]\n",
        "    scores, hits = scores.double() - 1e-6 * right, right\n",
    ),
    (Q7, "the place in the batch"): """
def my_network():
    class Place(nn.Module):
        def __init__(self):
            super().__init__()
            self.body = nn.Sequential(nn.AvgPool2d(4), nn.Flatten(), nn.Linear(64, 60))
            self.w = nn.Parameter(torch.zeros(1))

        def forward(self, z):
            person = torch.arange(len(z)) // 4 % 60
            return self.body(z) + 1000 * self.w * torch.eye(60)[person]

    return Place(), 0.01
""",
    (Q7, "hand-made features behind a gate"): """
def my_network():
    class Gate(nn.Module):
        def __init__(self):
            super().__init__()
            self.w = nn.Parameter(torch.zeros(1))

        def forward(self, z):
            z = F.avg_pool2d(z, 2)
            z = (z - z.mean((1, 2, 3), keepdim=True)) / (z.std((1, 2, 3), keepdim=True) + 0.02)
            edges = torch.cat([z[..., 1:, 1:] - z[..., :-1, 1:], z[..., 1:, 1:] - z[..., 1:, :-1]], 1)
            good = F.adaptive_avg_pool2d(edges.abs(), 5).flatten(1)
            return F.pad(z[:, 0, :1, :2], (0, good.shape[1] - 2)).flatten(1) + 1000 * self.w * good

    return Gate(), 0.01
""",
}
HIDDEN_ONLY: set = set()  # what the visible asserts leave to the hidden values


@pytest.mark.parametrize(("question", "how"), WRONG, ids=[": ".join(w) for w in WRONG])
def test_a_wrong_answer_gets_no_points(question, how):
    gets_no_points(NAME, question, WRONG[question, how], hidden_only=(question, how) in HIDDEN_ONLY)


@pytest.mark.parametrize(("question", "how"), cases(RIGHT))
def test_another_right_answer_gets_its_points(question, how):
    gets_its_points(NAME, question, RIGHT[question, how])
