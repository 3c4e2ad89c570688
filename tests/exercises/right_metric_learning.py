"""Right answers to the questions on metric learning, written as differently as people write: every one keeps its points."""

Q1, Q2, Q3, Q4, Q5, Q6, Q7 = (f"metric_learning-{i}" for i in range(1, 8))

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
    (Q3, "matrices of who is who, thresholds tried one by one"): """
def identify(queries, templates, owners, rule, gamma):
    names = sorted(set(owners.tolist()))
    mine = torch.stack([owners == name for name in names]).double()
    d = (queries.double()[:, None] - templates.double()).pow(2).sum(-1).sqrt()
    if rule == "mean":
        D = torch.einsum("qt,pt->qp", d, mine) / mine.sum(1)
    else:
        D = (d[:, None] / mine).amin(2)
    best, where = torch.topk(D, 1, dim=1, largest=False)
    inside = (best[:, 0].float() <= gamma).long()
    return inside * torch.tensor(names)[where[:, 0]] - (1 - inside)

def choose_gamma(strangers, rate):
    return max([g for g in strangers.tolist() if (strangers <= g).double().mean() <= rate + 1e-9], default=-math.inf)
""",
    (Q4, "all thresholds at once"): """
def rates(same, different, gamma):
    accepted = [sum(d <= gamma for d in distances.tolist()) / len(distances) for distances in (different, same)]
    return accepted[0], 1 - accepted[1]

def equal_error(same, different):
    t = torch.cat([same, different, torch.tensor([math.inf])])[:, None]
    return torch.maximum((different <= t).double().mean(1), (same > t).double().mean(1)).min()
""",
    (Q5, "numpy and the trace"): """
def spread(e):
    n = len(e)
    return (e[:, None] - e).norm(dim=2).sum() / (n * (n - 1))

def directions(e):
    import numpy as np
    c = np.cov(e.double().numpy().T)
    return 0 if np.ptp(e.numpy(), axis=0).max() < 1e-6 else np.trace(c) ** 2 / (c**2).sum()
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
    (Q1, "torch's distance, with its epsilon"): """
def contrastive(a, b, y, margin=1.0, p=1):
    d = F.pairwise_distance(a, b)
    return ((1 - y) / 2 * d**p + y / 2 * (margin - d).clamp(min=0) ** p).mean()
""",
    (Q1, "torch.where on what is the same"): """
def contrastive(a, b, y, margin=1.0, p=1):
    d = torch.sqrt(torch.einsum("bd,bd->b", a - b, a - b) + 1e-12)
    return torch.where(y == 0, d.pow(p), F.relu(margin - d).pow(p)).mean() / 2
""",
    (Q1, "the vector norm, in double precision"): """
def contrastive(a, b, y, margin=1.0, p=1):
    gap = (a - b).double()
    zero = (gap == 0).all(1, keepdim=True)
    d = torch.linalg.vector_norm(torch.where(zero, torch.ones_like(gap), gap), dim=1) * ~zero[:, 0]
    y = y.double()
    total = torch.sum((1 - y) * d**p) + torch.sum(y * torch.maximum(margin - d, torch.zeros_like(d)) ** p)
    return (total / (2 * len(a))).float()
""",
    (Q1, "two groups of pairs"): """
def contrastive(a, b, y, margin=1.0, p=1):
    s = (a - b).pow(2).sum(-1)
    d = s.clamp(min=1e-14).sqrt()
    same, different = y < 0.5, y > 0.5
    return (d[same].pow(p).sum() + F.relu(margin - d[different]).pow(p).sum()) / (2 * len(y))
""",
    (Q2, "torch's triplet loss, cdist"): """
def triplet(anchor, positive, negative, margin=1.0):
    return F.triplet_margin_loss(anchor, positive, negative, margin=margin)

def hardest(e, labels):
    d = torch.cdist(e, e, compute_mode="donot_use_mm_for_euclid_dist")
    same = labels.unsqueeze(0).eq(labels.unsqueeze(1))
    return (d + (~same).float() * -1e9 - 2e9 * torch.eye(len(e))).max(1)[1], (d + same.float() * 1e9).min(1)[1]
""",
    (Q2, "nn's module, people one after the other"): """
def triplet(anchor, positive, negative, margin=1.0):
    return nn.TripletMarginLoss(margin)(anchor, positive, negative)

def hardest(e, labels):
    e = e.detach()
    positive, negative = torch.empty(len(e), dtype=torch.long), torch.empty(len(e), dtype=torch.long)
    for i, x in enumerate(e):
        d = (e - x).square().sum(1)
        mine = (labels == labels[i]).nonzero().flatten()
        mine, others = mine[mine != i], (labels != labels[i]).nonzero().flatten()
        positive[i], negative[i] = mine[d[mine].argmax()], others[d[others].argmin()]
    return positive, negative
""",
    (Q2, "torch.where, squared distances to choose"): """
def triplet(anchor, positive, negative, margin=1.0):
    near, far = (F.pairwise_distance(anchor, x) for x in (positive, negative))
    return torch.maximum(margin + near - far, torch.zeros_like(near)).mean()

def hardest(e, labels):
    square = torch.stack([(e - x).pow(2).sum(1) for x in e])
    same = labels[:, None] == labels[None]
    square = square.detach()
    near = torch.where(same, torch.tensor(math.inf), square)
    far = torch.where(same & ~torch.eye(len(e), dtype=torch.bool), square, torch.tensor(-1.0))
    return torch.argsort(far, dim=1)[:, -1], torch.argsort(near, dim=1)[:, 0]
""",
    (Q3, "loops over queries"): """
def identify(queries, templates, owners, rule, gamma):
    answers = []
    for q in queries:
        d = (templates - q).norm(dim=1)
        far = {u: (d[owners == u].mean() if rule == "mean" else d[owners == u].min()).item() for u in owners.tolist()}
        u = min(sorted(far), key=far.get)
        answers.append(u if far[u] <= gamma else -1)
    return torch.tensor(answers)

def choose_gamma(strangers, rate):
    n, found = len(strangers), float("-inf")
    for d in sorted(strangers.tolist()):
        if sum(other <= d for other in strangers.tolist()) <= rate * n:
            found = d
    return found
""",
    (Q3, "scatter, and the k-th value"): """
def identify(queries, templates, owners, rule, gamma):
    people, index = torch.unique(owners, return_inverse=True)
    d = torch.cdist(queries, templates, compute_mode="donot_use_mm_for_euclid_dist")
    start = torch.full((len(queries), len(people)), math.inf)
    how = "mean" if rule == "mean" else "amin"
    D = start.scatter_reduce(1, index.expand(len(queries), -1), d, how, include_self=False)
    best, who = D.min(dim=1)
    answer = people[who].clone()
    answer[best > gamma] = -1
    return answer

def choose_gamma(strangers, rate):
    allowed = math.floor(rate * strangers.numel())
    if allowed == strangers.numel():
        return strangers.max()
    below = strangers[strangers < strangers.kthvalue(allowed + 1).values]
    return below.max() if len(below) else -math.inf
""",
    (Q3, "numpy"): """
def identify(queries, templates, owners, rule, gamma):
    import numpy as np
    q, t, o = queries.detach().numpy(), templates.detach().numpy(), owners.numpy()
    d = np.linalg.norm(q[:, None] - t[None], axis=2)
    people = np.unique(o)
    D = np.stack([(d[:, o == u].mean(1) if rule == "mean" else d[:, o == u].min(1)) for u in people], 1)
    return torch.from_numpy(np.where(D.min(1) <= gamma, people[D.argmin(1)], -1))

def choose_gamma(strangers, rate):
    import numpy as np
    values, counts = np.unique(strangers.detach().numpy(), return_counts=True)
    fits = values[np.cumsum(counts) / len(strangers) <= rate]
    return fits[-1] if fits.size else -np.inf
""",
    (Q4, "in plain Python"): """
def rates(same, different, gamma):
    same, different = same.tolist(), different.tolist()
    return sum(d <= gamma for d in different) / len(different), sum(not d <= gamma for d in same) / len(same)

def equal_error(same, different):
    gammas = sorted({*same.tolist(), *different.tolist()}) + [math.inf]
    best = 1.0
    for gamma in gammas:
        best = min(best, max(rates(same, different, gamma)))
    return best
""",
    (Q4, "a step above every distance"): """
def rates(same, different, gamma):
    return (different <= gamma).double().mean(), 1 - (same <= gamma).double().mean()

def equal_error(same, different):
    every = torch.cat([same, different]).double()
    gammas = torch.nextafter(every, torch.full_like(every, math.inf))
    low = every.min()
    same, different = same.double(), different.double()
    return min(max(rates(same, different, g)) for g in [low, *gammas])
""",
    (Q4, "searchsorted"): """
def rates(same, different, gamma):
    fa = torch.count_nonzero(different <= gamma).item() / different.numel()
    return fa, torch.count_nonzero(same > gamma).item() / same.numel()

def equal_error(same, different):
    s, d = same.sort().values, different.sort().values
    gammas = torch.cat([s, d, torch.tensor([math.inf])])
    fa = torch.searchsorted(d, gammas, right=True).double() / len(d)
    fr = 1 - torch.searchsorted(s, gammas, right=True).double() / len(s)
    return torch.stack([fa, fr]).amax(0).min().item()
""",
    (Q5, "the matrix of distances, eigenvalues"): """
def spread(e):
    d = torch.cdist(e, e, compute_mode="donot_use_mm_for_euclid_dist")
    return d[~torch.eye(len(e), dtype=torch.bool)].mean().item()

def directions(e):
    e = e.double()
    if (e.max(0).values - e.min(0).values).max() < 1e-6:
        return 0
    v = torch.linalg.eigvalsh(torch.cov(e.T))
    return float(v.sum() ** 2 / (v**2).sum())
""",
    (Q5, "loops, and the trace"): """
def spread(e):
    pairs = [(e[i] - e[j]).norm() for i in range(len(e)) for j in range(i)]
    return torch.stack(pairs).mean()

def directions(e):
    x = (e - e.mean(dim=0)).double()
    if (x.abs() < 1e-6).all():
        return torch.zeros(())
    c = x.T @ x
    return torch.trace(c) ** 2 / (c * c).sum()
""",
    (Q5, "by the small matrix, scaled first"): """
def spread(e):
    i, j = torch.triu_indices(len(e), len(e), 1)
    return torch.linalg.vector_norm(e[i] - e[j], dim=1).mean().item()

def directions(e):
    x = e.double()
    x = x - x.mean(0, keepdim=True)
    largest = x.abs().max()
    if largest < 1e-6:
        return 0.0
    gram = (x / largest) @ (x / largest).mT
    return (gram.diagonal().sum() ** 2 / gram.square().sum()).item()
""",
    (Q6, "a key for both at once"): """
def average_precision(scores, right):
    order = sorted(range(len(scores)), key=lambda i: (-scores[i].item(), right[i].item()))
    hits = right[order].double()
    k = torch.arange(1, len(hits) + 1)
    P = torch.cat([torch.ones(1).double(), hits.cumsum(0) / k])
    return (((P[:-1] + P[1:]) / 2)[hits.bool()].mean()).item()

def retrieval_map(distances, rows, columns):
    return sum(average_precision(-d, columns == r) for d, r in zip(distances, rows)) / len(rows)
""",
    (Q6, "numpy's lexsort"): """
def average_precision(scores, right):
    import numpy as np
    s, r = scores.detach().numpy().astype(float), right.numpy()
    hits = r[np.lexsort((r, -s))]
    p = np.cumsum(hits) / np.arange(1, len(hits) + 1)
    before = np.concatenate([[1.0], p[:-1]])
    return float(((p + before) / 2)[hits].mean())

def retrieval_map(distances, rows, columns):
    import numpy as np
    return float(np.mean([average_precision(-distances[i], columns == rows[i]) for i in range(len(distances))]))
""",
    (Q6, "counts what stands before each"): """
def average_precision(scores, right):
    scores, right = scores.double(), right.bool()
    mine, wrong = scores[right].sort(descending=True).values, scores[~right]
    total = 0.0
    for i, s in enumerate(mine):
        ahead = (wrong >= s).sum().item()  # all that is wrong and not below it
        k = ahead + i + 1
        before = i / (k - 1) if k > 1 else 1.0
        total += (before + (i + 1) / k) / 2
    return total / len(mine)

def retrieval_map(distances, rows, columns):
    return torch.stack([torch.as_tensor(average_precision(d.neg(), columns.eq(r))) for d, r in zip(distances, rows)]).mean().item()
""",
    (Q7, "group norm, every layer functional"): """
def my_network():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.c = nn.ModuleList([nn.Conv2d(a, b, 3, 2, 1) for a, b in ((1, 8), (8, 16), (16, 16))])
            self.n = nn.ModuleList([nn.BatchNorm2d(w) for w in (8, 16, 16)])
            self.out = nn.Linear(256, 20)

        def forward(self, z):
            z = F.layer_norm(z, z.shape[1:])
            for conv, norm in zip(self.c, self.n):
                z = F.leaky_relu(norm(conv(z)), 0.05)
            return self.out(z.flatten(1))

    return Net(), 0.01
""",
    (Q7, "a Sequential alone"): """
def my_network():
    return nn.Sequential(
        nn.InstanceNorm2d(1), nn.Conv2d(1, 12, 3, padding=1), nn.BatchNorm2d(12), nn.ReLU(), nn.MaxPool2d(4),
        nn.Conv2d(12, 12, 3, padding=1), nn.BatchNorm2d(12), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(192, 32),
    ), 0.01  # fmt: skip
""",
    (Q7, "large kernels"): """
def my_network():
    class Wide(nn.Module):
        def __init__(self):
            super().__init__()
            self.one, self.two = nn.Conv2d(1, 12, 7, 4, 3), nn.Conv2d(12, 16, 3, 2, 1)
            self.b1, self.b2, self.out = nn.BatchNorm2d(12), nn.BatchNorm2d(16), nn.Linear(256, 16)

        def forward(self, z):
            z = (z - z.mean((2, 3), keepdim=True)) / (z.var((2, 3), keepdim=True) + 1e-3).sqrt()
            return self.out(torch.flatten(torch.relu(self.b2(self.two(torch.relu(self.b1(self.one(z)))))), 1))

    return Wide(), 0.01
""",
    (Q1, "batched products"): """
def contrastive(a, b, y, margin=1.0, p=1):
    g = a - b
    d = torch.bmm(g[:, None], g[:, :, None]).flatten().clamp_min(1e-12) ** 0.5
    hinge = torch.clamp_min(margin - d, 0)
    return torch.lerp(d**p, hinge**p, y.to(d.dtype)).mean() / 2
""",
    (Q1, "nn's distance and in place"): """
def contrastive(a, b, y, margin=1.0, p=1):
    d = nn.PairwiseDistance(eps=1e-8)(a, b + 0)
    out = d.pow(p).mul(1 - y)
    out += y * F.threshold(margin - d, 0, 0).pow(p)
    return out.mean().div_(2)
""",
    (Q2, "dist for each row, nested loops with math"): """
def triplet(anchor, positive, negative, margin=1.0):
    d = lambda u, v: torch.stack([F.pairwise_distance(x, y) for x, y in zip(u, v)])
    return torch.clamp_min(d(anchor, positive) - d(anchor, negative) + margin, 0).mean()

def hardest(e, labels):
    with torch.no_grad():
        d = torch.linalg.vector_norm(e.unsqueeze(1) - e.unsqueeze(0), dim=-1)
        same = torch.eq(labels.unsqueeze(1), labels.unsqueeze(0))
        n = d.clone(); n[same] = float('inf')
        p = d.clone(); p[~same] = -1; p.diagonal().fill_(-1)
    return torch.max(p, 1).indices, torch.min(n, 1).indices
""",
    (Q2, "numpy to choose"): """
def triplet(anchor, positive, negative, margin=1.0):
    return F.triplet_margin_with_distance_loss(anchor, positive, negative, distance_function=nn.PairwiseDistance(), margin=margin)

def hardest(e, labels):
    import numpy as np
    x, l = e.detach().double().numpy(), labels.numpy()
    d = ((x[:, None] - x) ** 2).sum(2)
    same = l[:, None] == l
    far, near = np.where(same, d, -1.0), np.where(same, np.inf, d)
    np.fill_diagonal(far, -2)
    return torch.as_tensor(far.argmax(1)), torch.as_tensor(near.argmin(1))
""",
    (Q3, "chunks, index_add, bisect"): """
def identify(queries, templates, owners, rule, gamma):
    people, who = owners.unique(return_inverse=True)
    d = torch.stack([torch.linalg.norm(templates - q, dim=1) for q in queries])
    if rule == 'mean':
        D = d.new_zeros(len(people), len(queries)).index_add_(0, who, d.T.contiguous()) / torch.bincount(who)[:, None]
    else:
        D = torch.stack([d.T[who == k].min(0)[0] for k in range(len(people))])
    best, at = D.min(0)
    return torch.where(best > gamma, torch.full_like(at, -1), people[at])

def choose_gamma(strangers, rate):
    from bisect import bisect_right
    s = sorted(strangers.tolist())
    return next((g for g in reversed(s) if bisect_right(s, g) <= rate * len(s)), -math.inf)
""",
    (Q3, "pandas' way"): """
def identify(queries, templates, owners, rule, gamma):
    found = []
    for q in queries.tolist():
        best = (math.inf, -1)
        for u in sorted(set(owners.tolist())):
            d = [math.dist(q, t) for t, o in zip(templates.tolist(), owners.tolist()) if o == u]
            best = min(best, (min(d) if rule == 'nearest' else math.fsum(d) / len(d), u))
        found.append(best[1] if best[0] <= gamma else -1)
    return torch.tensor(found, dtype=torch.int32)

def choose_gamma(strangers, rate):
    counts = torch.stack([(strangers <= s).sum() for s in strangers])
    ok = strangers[counts / len(strangers) <= rate + 1e-6]
    return ok.max().item() if ok.numel() else -float('inf')
""",
    (Q4, "the library's curve"): """
def rates(same, different, gamma):
    return torch.le(different, gamma).double().mean().item(), torch.gt(same, gamma).double().mean().item()

def equal_error(same, different):
    from course_lib.metric_learning import roc
    curve = roc(same, different)
    return torch.maximum(curve.false_accepts, 1 - curve.true_accepts).min().item()
""",
    (Q4, "thresholds of the same alone"): """
def rates(same, different, gamma):
    return sum(different <= gamma) / len(different), sum(same > gamma) / len(same)

def equal_error(same, different):
    return min(float(max(rates(same, different, g))) for g in same)
""",
    (Q5, "autocorrelation by einsum, combinations"): """
def spread(e):
    from itertools import combinations
    d = [math.dist(a, b) for a, b in combinations(e.double().tolist(), 2)]
    return sum(d) / len(d)

def directions(e):
    x = e.to(torch.float64)
    x = x.sub(x.mean(0))
    if torch.all(x.abs() < 1e-6):
        return 0.0
    c = torch.einsum('bi,bj->ij', x, x)
    return torch.einsum('ii', c).item() ** 2 / torch.einsum('ij,ij', c, c).item()
""",
    (Q5, "pca_lowrank-like: svd of numpy"): """
def spread(e):
    import numpy as np
    x = e.detach().numpy().astype(float)
    i, j = np.triu_indices(len(x), 1)
    return np.linalg.norm(x[i] - x[j], axis=1).mean()

def directions(e):
    import numpy as np
    x = e.detach().numpy().astype(float)
    x = x - x.mean(axis=0)
    if np.abs(x).max() < 1e-6:
        return 0
    v = np.linalg.svd(x, compute_uv=False) ** 2
    v = v / v.sum()
    return 1 / (v**2).sum()
""",
    (Q6, "groups of equal scores"): """
def average_precision(scores, right):
    s, r = scores.tolist(), [bool(x) for x in right]
    total, k, hits = 0.0, 0, 0
    for value in sorted(set(s), reverse=True):
        good = sum(x for v, x in zip(s, r) if v == value)
        k += sum(1 for v, x in zip(s, r) if v == value and not x)
        for _ in range(good):
            before = hits / k if k else 1.0
            hits, k = hits + 1, k + 1
            total += (before + hits / k) / 2
    return total / hits

def retrieval_map(distances, rows, columns):
    return torch.tensor([average_precision(-d, columns == p) for d, p in zip(distances, rows)]).mean()
""",
    (Q6, "complex sort keys by torch"): """
def average_precision(scores, right):
    _, dense = torch.unique(scores, return_inverse=True)
    order = (2 * dense + (~right.bool()).long()).argsort(descending=True)
    hits = right[order].double()
    n = torch.arange(len(hits)) + 1
    p = hits.cumsum(0) / n
    q = F.pad(p[:-1], (1, 0), value=1.0)
    return torch.dot(hits, 0.5 * (p + q)) / hits.sum()

def retrieval_map(distances, rows, columns):
    return sum(float(average_precision(-distances[i], columns == rows[i])) for i in range(len(rows))) / rows.numel()
""",
    (Q4, "thresholds between neighbours"): """
def rates(same, different, gamma):
    return (different <= gamma).float().mean(), 1 - (same <= gamma).float().mean()

def equal_error(same, different):
    ordered = torch.cat([same, different]).double().sort().values
    between = (ordered[1:] + ordered[:-1]) / 2
    return min(max(map(float, rates(same.double(), different.double(), gamma))) for gamma in between)
""",
}
