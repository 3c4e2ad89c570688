"""The questions on metric learning: right answers of every kind get their points, wrong ones do not.

As for denoising: a wrong answer is the master's with one thing changed.
"""

import pytest
from variants import gets_its_points, gets_no_points

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
    (Q3, "lets everybody in"): ("best.values < gamma", "best.values < math.inf"),
    (Q3, "places for names"): ("people[best.indices]", "best.indices"),
    (Q3, "one too many"): ("math.floor(rate * len(ordered))", "math.floor(rate * len(ordered)) + 1"),
    (Q3, "rounds up"): ("math.floor", "math.ceil"),
    (Q3, "the last one who may pass"): ("ordered[allowed].item()", "ordered[max(allowed - 1, 0)].item()"),
    (Q3, "never opens for all"): ("else math.inf", "else ordered[-1].item()"),
    (Q3, "a quantile"): (
        "return ordered[allowed].item() if allowed < len(ordered) else math.inf",
        "return strangers.quantile(rate).item() if rate < 1 else math.inf",
    ),
    (Q4, "rejects first"): (
        "(different < gamma).float().mean().item(), (same >= gamma).float().mean().item()",
        "(same >= gamma).float().mean().item(), (different < gamma).float().mean().item()",
    ),
    (Q4, "shares of all pairs"): (
        "(different < gamma).float().mean().item()",
        "(different < gamma).sum().item() / (len(same) + len(different))",
    ),
    (Q4, "right decisions"): ("(same >= gamma)", "(same < gamma)"),
    (Q4, "accepts at the threshold"): ("different < gamma", "different <= gamma"),
    (Q4, "the mean of the two rates"): (
        "max(rates(same, different, gamma))",
        "sum(rates(same, different, gamma)) / 2",
    ),
    (Q4, "the smaller of the two"): ("min(max(", "min(min("),
    (Q4, "the worst threshold"): ("return min(", "return max("),
    (Q4, "thresholds of the different alone"): ("torch.cat([same, different]).tolist(), math.inf", "0.5"),
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
}
HIDDEN_ONLY: set = set()  # what the visible asserts leave to the hidden values

# Other right answers, whole.
RIGHT = {
    (Q1, "pair by pair"): """
def contrastive(a, b, y, margin=1.0, p=1):
    losses = []
    for one, two, other in zip(a, b, y.tolist()):
        d = (one - two).norm()
        losses.append(F.relu(margin - d).pow(p) / 2 if other else d.pow(p) / 2)
    return torch.stack(losses).mean()
""",
    (Q2, "torch's loss, loops for the hardest"): """
def triplet(anchor, positive, negative, margin=1.0):
    def d(x):
        s = (anchor - x).pow(2).sum(1)
        return torch.where(s > 0, s, 1) ** 0.5 * (s > 0)
    return F.relu(d(positive) - d(negative) + margin).sum() / len(anchor)

def hardest(e, labels):
    d, n = torch.cdist(e.detach(), e.detach(), compute_mode="donot_use_mm_for_euclid_dist"), len(e)
    positive, negative = [], []
    for i in range(n):
        positive.append(max((j for j in range(n) if j != i and labels[j] == labels[i]), key=lambda j: d[i, j]))
        negative.append(min((j for j in range(n) if labels[j] != labels[i]), key=lambda j: d[i, j]))
    return torch.tensor(positive), torch.tensor(negative)
""",
    (Q3, "the library's gallery, thresholds tried one by one"): """
def identify(queries, templates, owners, rule, gamma):
    from course_lib.metric_learning import TemplateGallery
    gallery = TemplateGallery(rule)
    for person in sorted(set(owners.tolist())):
        gallery.enrol(str(person), templates[owners == person])
    found = gallery.identify(queries)
    return torch.tensor([int(name) if d < gamma else -1 for name, d in zip(found.nearest, found.distances)])

def choose_gamma(strangers, rate):
    return max(g for g in [*strangers.tolist(), math.inf] if (strangers < g).double().mean() <= rate + 1e-9)
""",
    (Q4, "all thresholds at once"): """
def rates(same, different, gamma):
    accepted = [sum(d < gamma for d in distances.tolist()) / len(distances) for distances in (different, same)]
    return accepted[0], 1 - accepted[1]

def equal_error(same, different):
    t = torch.cat([same, different, torch.tensor([math.inf])])[:, None]
    return torch.maximum((different < t).double().mean(1), (same >= t).double().mean(1)).min()
""",
    (Q5, "numpy and the trace"): """
def spread(e):
    n = len(e)
    return (e[:, None] - e).norm(dim=2).sum() / (n * (n - 1))

def directions(e):
    import numpy as np
    c = np.cov(e.double().numpy().T)
    return np.trace(c) ** 2 / (c**2).sum() if np.trace(c) > 1e-12 else 0
""",
    (Q6, "sorted, in plain Python"): """
def average_precision(scores, right):
    ordered = sorted(zip((-scores).tolist(), right.tolist()))
    found, before, total = 0, 1.0, 0.0
    for k, (_, hit) in enumerate(ordered, 1):
        found += hit
        total += hit * (before + found / k) / 2
        before = found / k
    return total / found

def retrieval_map(distances, rows, columns):
    each = [average_precision(-distances[i], columns == rows[i]) for i in range(len(rows))]
    return torch.tensor(each, dtype=torch.float64).mean()
""",
    (Q7, "pooled, and a linear layer"): """
def my_network():
    class Pooled(nn.Module):
        def __init__(self):
            super().__init__()
            self.norm, self.first = nn.InstanceNorm2d(1), nn.Conv2d(1, 10, 5, stride=2, padding=2)
            self.second, self.last = nn.Conv2d(10, 16, 3, stride=2, padding=1), nn.Linear(256, 24)
            self.bn = nn.ModuleList([nn.BatchNorm2d(10), nn.BatchNorm2d(16)])

        def forward(self, z):
            x = F.relu(self.bn[0](self.first(self.norm(z))))
            return self.last(F.avg_pool2d(F.relu(self.bn[1](self.second(x))), 2).flatten(1))

    return Pooled(), 0.01
""",
}


@pytest.mark.parametrize(("question", "how"), WRONG, ids=[": ".join(w) for w in WRONG])
def test_a_wrong_answer_gets_no_points(question, how):
    gets_no_points(NAME, question, *WRONG[question, how], hidden_only=(question, how) in HIDDEN_ONLY)


@pytest.mark.parametrize(("question", "how"), RIGHT, ids=[": ".join(r) for r in RIGHT])
def test_another_right_answer_gets_its_points(question, how):
    gets_its_points(NAME, question, RIGHT[question, how], seeds=(1,) if question == Q7 else (1, 12345))
