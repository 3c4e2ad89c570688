"""Right answers to the questions on the projects, written as differently as people write: every one keeps its points."""

Q1, Q2, Q3, Q4, Q5, Q6, Q7 = (f"projects-{i}" for i in range(1, 8))

RIGHT = {
    (Q1, "the library's Gram matrix of both windows"): """
def window(length, by):
    return slice(max(0, -by), length - max(0, by)), slice(max(0, by), length - max(0, -by))

def beside(f, down, right):
    c = f.shape[1]
    (r0, r1), (c0, c1) = window(f.shape[2], down), window(f.shape[3], right)
    return projects.gram(torch.cat([f[:, :, r0, c0], f[:, :, r1, c1]], 1))[:, :c, c:]

def style_error(f, target, shifts):
    total = torch.zeros(len(f), dtype=f.dtype)
    for down, right in shifts:
        goal = beside(target, down, right)[0]
        total = total + torch.stack([(g - goal).pow(2).sum() for g in beside(f, down, right)]) / max(goal.pow(2).sum(), torch.tensor(1e-12))
    return total / len(shifts)
""",
    (Q1, "einsum, the other way round for negative ones"): """
def beside(f, down, right):
    if down < 0:
        return beside(f, -down, -right).transpose(1, 2)
    h, w = f.shape[-2:]
    a, b = f[..., : h - down, :], f[..., down:, :]
    if right >= 0:
        a, b = a[..., : w - right], b[..., right:]
    else:
        a, b = a[..., -right:], b[..., :right]
    return torch.einsum("bihw,bjhw->bij", a, b) / (a.shape[2] * a.shape[3])

def style_error(f, target, shifts):
    every = []
    for shift in shifts:
        g, wanted = beside(f, *shift), beside(target.detach(), *shift)
        every.append(((g - wanted) ** 2).sum((-2, -1)) / (wanted ** 2).sum((-2, -1)).clamp(min=1e-12))
    return torch.stack(every).mean(0)
""",
    (Q1, "rolled, and what came around masked"): """
def beside(f, down, right):
    h, w = f.shape[2:]
    moved = f.roll((-down, -right), (2, 3))
    inside = torch.ones(h, w, dtype=f.dtype)
    if down > 0:
        inside[h - down :] = 0
    if down < 0:
        inside[: -down] = 0
    if right > 0:
        inside[:, w - right :] = 0
    if right < 0:
        inside[:, : -right] = 0
    return torch.matmul((f * inside).flatten(2), moved.flatten(2).transpose(1, 2)) / inside.sum()

def style_error(f, target, shifts):
    errors = torch.zeros(len(shifts), len(f), dtype=f.dtype)
    for k, (d, r) in enumerate(shifts):
        goal = beside(target, d, r)
        errors[k] = torch.linalg.matrix_norm(beside(f, d, r) - goal) ** 2 / torch.clamp(torch.linalg.matrix_norm(goal) ** 2, min=1e-12)
    return errors.mean(dim=0)
""",
    (Q1, "picture after picture, lists of rows"): """
def beside(f, down, right):
    h, w = f.shape[2], f.shape[3]
    rows = [r for r in range(h) if 0 <= r + down < h]
    columns = [c for c in range(w) if 0 <= c + right < w]
    out = []
    for x in f:
        a = x[:, rows][:, :, columns].reshape(len(x), -1)
        b = x[:, [r + down for r in rows]][:, :, [c + right for c in columns]].reshape(len(x), -1)
        out.append(a.mm(b.t()) / a.size(1))
    return torch.stack(out)

def style_error(f, target, shifts):
    out = []
    for x in f:
        error = 0
        for shift in shifts:
            g, t = beside(x[None], *shift), beside(target, *shift)
            error = error + (g - t).square().sum() / t.square().sum().clamp_min(1e-12) / len(shifts)
        out.append(error)
    return torch.stack(out)
""",
    (Q2, "the library's norm"): """
def roughness(x, power):
    below = torch.zeros_like(x)
    below[:, :, :-1] = x[:, :, 1:] - x[:, :, :-1]
    beside = torch.zeros_like(x)
    beside[:, :, :, :-1] = x[:, :, :, 1:] - x[:, :, :, :-1]
    return (torch.linalg.vector_norm(torch.stack([below, beside], -1), dim=-1) ** power).flatten(1).mean(1)
""",
    (Q2, "something tiny under the root"): """
def roughness(x, power):
    d = F.pad(x.diff(dim=-2), (0, 0, 0, 1)) ** 2 + F.pad(x.diff(dim=-1), (0, 1, 0, 0)) ** 2
    return ((d + 1e-12) ** (power / 2)).mean(dim=(-3, -2, -1))
""",
    (Q2, "the last row and column repeated"): """
def roughness(x, power):
    down = torch.cat([x, x[:, :, -1:]], 2).diff(dim=2)
    right = torch.cat([x, x[..., -1:]], 3).diff(dim=3)
    square = down * down + right * right
    flat = square == 0
    costs = torch.where(flat, torch.ones_like(square), square).pow(power / 2)
    return torch.where(flat, torch.zeros_like(costs), costs).mean((1, 2, 3))
""",
    (Q2, "one picture after the other"): """
def roughness(x, power):
    found = []
    for picture in x:
        down, right = torch.zeros_like(picture), torch.zeros_like(picture)
        if picture.shape[1] > 1:
            down[:, :-1] = picture[:, 1:] - picture[:, :-1]
        if picture.shape[2] > 1:
            right[:, :, :-1] = picture[:, :, 1:] - picture[:, :, :-1]
        found.append((down.pow(2) + right.pow(2)).clamp(min=1e-14).pow(0.5 * power).sum() / picture.numel())
    return torch.stack(found)
""",
    (Q3, "recursively"): """
def split(x, bands):
    if bands == 1:
        return [x]
    h, w = x.shape[-2:]
    small = resize(x, ((h + 1) // 2, (w + 1) // 2))
    return [x - resize(small, (h, w))] + split(small, bands - 1)

def merge(parts):
    if len(parts) == 1:
        return parts[0]
    return parts[0] + resize(merge(parts[1:]), tuple(parts[0].shape[-2:]))

def even(g, bands):
    rms = lambda b: b.pow(2).mean(dim=(1, 2, 3), keepdim=True) ** 0.5
    return merge([b / rms(b).where(rms(b) >= 1e-6, torch.ones_like(rms(b))) for b in split(g, bands)])
""",
    (Q3, "all sizes first"): """
def split(x, bands):
    sizes, levels = [x.shape[2:]], [x]
    for _ in range(bands - 1):
        sizes.append([math.ceil(s / 2) for s in sizes[-1]])
        levels.append(resize(levels[-1], sizes[-1]))
    return [fine - resize(coarse, size) for fine, coarse, size in zip(levels, levels[1:], sizes)] + levels[-1:]

def merge(parts):
    x = parts[-1].clone()
    for k in range(len(parts) - 2, -1, -1):
        x = resize(x, (parts[k].shape[2], parts[k].shape[3])) + parts[k]
    return x

def even(g, bands):
    done = []
    for part in split(g, bands):
        strength = torch.linalg.vector_norm(part, dim=(1, 2, 3)) / math.sqrt(part[0].numel())
        strength[strength < 1e-6] = 1
        done.append(part / strength[:, None, None, None])
    return merge(done)
""",
    (Q3, "torch's own interpolation, picture after picture"): """
def to(x, size):
    return F.interpolate(x, size=tuple(size), mode="bilinear", antialias=True)

def split(x, bands):
    parts = []
    while len(parts) < bands - 1:
        below = to(x, [s // 2 + s % 2 for s in x.shape[2:]])
        parts.append(x - to(below, x.shape[2:]))
        x = below
    parts.append(x)
    return tuple(parts)

def merge(parts):
    x, *finer = reversed(list(parts))
    for part in finer:
        x = to(x, part.shape[2:]) + part
    return x

def even(g, bands):
    made = []
    for picture in g.split(1):
        parts = [p / p.square().mean().sqrt() if p.square().mean().sqrt().item() >= 1e-6 else p for p in split(picture, bands)]
        made.append(merge(parts))
    return torch.cat(made)
""",
    (Q3, "enlarged to the end from every band"): """
from functools import reduce

def split(x, bands):
    chain = [x]
    for k in range(1, bands):
        chain.append(resize(chain[k - 1], tuple(torch.tensor(chain[k - 1].shape[2:]).add(1).div(2, rounding_mode="floor").tolist())))
    parts = [chain[k] - resize(chain[k + 1], chain[k].shape[2:]) for k in range(bands - 1)]
    parts.append(chain[-1])
    return parts

def merge(parts):
    return reduce(lambda coarse, fine: fine + resize(coarse, fine.shape[2:]), list(parts)[::-1])

def even(g, bands):
    def fair(part):
        rms = torch.sqrt((part * part).flatten(1).mean(1))
        rms = rms + (rms < 1e-6) * (1 - rms)
        return torch.einsum("bchw,b->bchw", part, 1 / rms)

    return merge(list(map(fair, split(g, bands))))
""",
    (Q4, "cov and eigh of the library, picture after picture, in single precision"): """
def power(matrix, s):
    values, vectors = torch.linalg.eigh(matrix)
    return vectors @ torch.diag(values ** s) @ vectors.T

def cloud(p):
    p = p.flatten(1)
    return p, p.mean(1, keepdim=True), torch.cov(p, correction=0) + 1e-5 * torch.eye(3, dtype=p.dtype)

def match_colours(x, target):
    _, goal, wanted = cloud(target[0])
    out = []
    for picture in x:
        pixels, mean, covariance = cloud(picture)
        out.append((power(wanted, 0.5) @ power(covariance, -0.5) @ (pixels - mean) + goal).view_as(picture))
    return torch.stack(out)
""",
    (Q4, "by singular values"): """
def match_colours(x, target):
    def parts(p):
        pixels = p.permute(0, 2, 3, 1).reshape(len(p), -1, 3).double()
        mean = pixels.mean(1, keepdim=True)
        pixels = pixels - mean
        c = torch.einsum("bpi,bpj->bij", pixels, pixels) / pixels.shape[1] + torch.eye(3).double() * 1e-5
        u, s, _ = torch.linalg.svd(c)
        return pixels, mean, u, s

    pixels, _, u, s = parts(x)
    _, mean, v, t = parts(target)
    white = torch.einsum("bij,bj,bkj->bik", u, s ** -0.5, u)
    colour = torch.einsum("bij,bj,bkj->bik", v, t ** 0.5, v)
    y = pixels @ (colour @ white).mT + mean
    return y.reshape(len(x), *x.shape[2:], 3).permute(0, 3, 1, 2).to(x.dtype)
""",
    (Q4, "numpy and scipy"): """
def match_colours(x, target):
    import numpy as np
    from scipy.linalg import sqrtm

    def cloud(p):
        p = p.detach().numpy().astype(float).reshape(3, -1)
        return p, p.mean(1, keepdims=True), np.cov(p, bias=True) + 1e-5 * np.eye(3)

    _, m, c = cloud(target[0])
    made = []
    for picture in x:
        pixels, mean, own = cloud(picture)
        y = np.real(sqrtm(c)) @ np.linalg.inv(np.real(sqrtm(own))) @ (pixels - mean) + m
        made.append(torch.from_numpy(y.reshape(picture.shape)))
    return torch.stack(made).to(x.dtype)
""",
    (Q4, "roots by Newton's iteration"): """
def roots(c):
    # Denman and Beavers: y becomes the root, z its inverse
    y, z = c, torch.eye(3, dtype=c.dtype).expand_as(c)
    for _ in range(40):
        y, z = (y + torch.linalg.inv(z)) / 2, (z + torch.linalg.inv(y)) / 2
    return y, z

def match_colours(x, target):
    a, b = x.double(), target.double()
    m, n = a.mean((2, 3), keepdim=True), b.mean((2, 3), keepdim=True)
    second = lambda p: torch.einsum("bihw,bjhw->bij", p, p) / (p.shape[2] * p.shape[3]) + 1e-5 * torch.eye(3, dtype=p.dtype)
    inverse = roots(second(a - m))[1]
    root = roots(second(b - n))[0]
    return (torch.einsum("bij,bjk,bkhw->bihw", root.expand_as(inverse), inverse, a - m) + n).to(x.dtype)
""",
    (Q5, "the library's exact search"): """
def mutual(a, b):
    from course_lib.metric_learning.patches.nearest import nearest as closest
    distance, there = closest(a.double(), b.double())
    back = closest(b.double(), a.double())[1]
    i = torch.nonzero(back[there] == torch.arange(len(a))).flatten()
    return torch.stack((i, there[i]), dim=1), distance[i]

def matching_score(views):
    scores = []
    for view in views[1:]:
        pairs, d = mutual(views[0], view)
        scores.append(trapezoidal_ap(-d, pairs[:, 0].eq(pairs[:, 1]), views.shape[1]))
    return torch.stack(scores).mean().item()
""",
    (Q5, "cdist without products"): """
def mutual(a, b):
    d = torch.cdist(a.double(), b.double(), compute_mode="donot_use_mm_for_euclid_dist")
    rows = torch.zeros_like(d, dtype=torch.bool).scatter_(1, d.argmin(1, keepdim=True), True)
    columns = torch.zeros_like(d, dtype=torch.bool).scatter_(0, d.argmin(0, keepdim=True), True)
    pairs = (rows & columns).nonzero()
    return pairs, d[rows & columns]

def matching_score(views):
    reference, others = views[0], views[1:]
    total = 0.0
    for other in others:
        pairs, distance = mutual(reference, other)
        total += float(trapezoidal_ap(scores=-distance, right=pairs[:, 0] == pairs[:, 1], positives=len(reference)))
    return total / len(others)
""",
    (Q5, "loops, in single precision, from differences"): """
def mutual(a, b):
    a, b = (v if v.dtype == torch.float64 else v.float() for v in (a, b))
    pairs, distances = [], []
    for i in range(len(a)):
        d = (b - a[i]).square().sum(1).sqrt()
        j = int(d.argmin())
        if int((a - b[j]).square().sum(1).sqrt().argmin()) == i:
            pairs.append([i, j])
            distances.append(d[j])
    return torch.tensor(pairs), torch.stack(distances)

def matching_score(views):
    n, scores = views.shape[1], []
    for t in range(1, len(views)):
        pairs, distance = mutual(views[0], views[t])
        entries = sorted((d.item(), i == j) for d, (i, j) in zip(distance, pairs.tolist()))
        hits, before, area = 0, 1.0, 0.0
        for k, (_, right) in enumerate(entries, 1):
            hits += right
            if right:
                area += (before + hits / k) / 2
            before = hits / k
        scores.append(area / n)
    return sum(scores) / len(scores)
""",
    (Q5, "numpy and a tree"): """
def mutual(a, b):
    import numpy as np
    from scipy.spatial.distance import cdist
    d = cdist(a.detach().numpy().astype(float), b.detach().numpy().astype(float))
    there, back = d.argmin(1), d.argmin(0)
    i = np.flatnonzero(back[there] == np.arange(len(d)))
    return torch.from_numpy(np.stack([i, there[i]], 1).astype(np.int32)), torch.from_numpy(d[i, there[i]])

def matching_score(views):
    found = [mutual(views[0], v) for v in views[1:]]
    return torch.tensor([trapezoidal_ap(d.neg(), p[:, 0] == p[:, 1], positives=views.size(1)).item() for p, d in found], dtype=torch.float64).mean()
""",
    (Q6, "scipy's permutation test"): """
def best_foot(validation, test):
    ranked = validation.clone()
    ranked[~torch.isfinite(ranked).all(1)] = -torch.inf
    return test[ranked.mean(1).argmax()]

def by_chance(a, b):
    import numpy as np
    from scipy.stats import permutation_test
    d = (a - b).double().numpy().round(6)
    if len(d) < 2:
        return 1.0
    return float(permutation_test((d,), lambda v, axis: np.mean(v, axis=axis).round(6), permutation_type="samples", n_resamples=np.inf, vectorized=True).pvalue)
""",
    (Q6, "bits of a number"): """
def best_foot(validation, test):
    best, at = None, None
    for k, row in enumerate(validation.tolist()):
        if all(map(math.isfinite, row)) and (best is None or sum(row) / len(row) > best):
            best, at = sum(row) / len(row), k
    return test[at]

def by_chance(a, b):
    d = [x - y for x, y in zip(a.tolist(), b.tolist())]
    n, mine, count = len(d), abs(sum(d)) / len(d), 0
    for way in range(2 ** n):
        other = sum(-v if way >> k & 1 else v for k, v in enumerate(d)) / n
        count += abs(other) >= mine - 1e-6
    return count / 2 ** n
""",
    (Q6, "both lists exchanged"): """
def best_foot(validation, test):
    means = torch.nan_to_num(validation.mean(dim=1), nan=-math.inf, posinf=-math.inf, neginf=-math.inf)
    order = torch.sort(means, descending=True, stable=True).indices
    return test[order[0]].clone()

def by_chance(a, b):
    n = len(a)
    exchange = (torch.arange(2 ** n)[:, None] >> torch.arange(n)) % 2 == 1
    first, second = torch.where(exchange, b, a), torch.where(exchange, a, b)
    other = (first.double().mean(1) - second.double().mean(1)).abs()
    mine = (a.double().mean() - b.double().mean()).abs()
    return ((other >= mine) | torch.isclose(other, mine, rtol=0, atol=1e-6)).float().mean()
""",
    (Q6, "sums that grow round by round"): """
def best_foot(validation, test):
    fine = validation.isfinite().all(dim=1)
    rows = torch.arange(len(validation))[fine]
    return test[rows[validation[fine].mean(dim=1).argmax()]]

def by_chance(a, b):
    sums = torch.zeros(1, dtype=torch.float64)
    for d in (a.double() - b.double()):
        sums = torch.cat([sums + d, sums - d])
    mine = (a.double() - b.double()).sum().abs()
    return torch.sum(sums.abs() + 1e-6 * len(a) >= mine).item() / len(sums)
""",
    (Q7, "a blur of five pixels, any level of noise"): """
class Descriptor(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(1, 8, 3, 2, 1), nn.BatchNorm2d(8), nn.ReLU(), nn.Conv2d(8, 16, 3, 2, 1), nn.BatchNorm2d(16), nn.ReLU(),
            nn.Conv2d(16, 16, 3, 2, 1), nn.BatchNorm2d(16), nn.ReLU(), nn.Flatten(), nn.Linear(256, 48),
        )

    def forward(self, z):
        z = F.avg_pool2d(F.pad(z, (2, 2, 2, 2), mode="reflect"), 5, 1)
        z = z - z.mean((1, 2, 3), keepdim=True)
        return F.normalize(self.body(z / (z.std((1, 2, 3), keepdim=True) + 0.02)))

def my_descriptor():
    def loss(network, a, p, generator):
        level = 50 * torch.rand(len(a), 1, 1, 1, generator=generator)
        return hardest_negative_loss(network(noisy(a, level, generator)), network(noisy(p, level, generator)))

    return Descriptor(), loss, 0.01
""",
    (Q7, "a large first kernel, contrast of all pairs"): """
def my_descriptor():
    layers = [nn.Conv2d(1, 8, 7, 2, 3, bias=False), nn.BatchNorm2d(8), nn.ReLU()]
    for c in (8, 16):
        layers += [nn.Conv2d(c, 16, 3, 2, 1, bias=False), nn.BatchNorm2d(16), nn.ReLU()]

    class Net(nn.Sequential):
        def forward(self, z):
            z = F.avg_pool2d(z, 3, 1, 1)
            return F.normalize(super().forward((z - z.mean((1, 2, 3), keepdim=True)) * 5), dim=1)

    def loss(network, a, p, generator):
        e, f = network(noisy(torch.cat([a, p]), 40, generator)).chunk(2)
        return F.cross_entropy(e @ f.T / 0.1, torch.arange(len(e)))

    return Net(*layers, nn.Flatten(), nn.Linear(256, 32)), loss, 0.01
""",
    (Q7, "calm in front of what has seen clean patches"): """
def my_descriptor():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            conv = lambda a, b: nn.Sequential(nn.Conv2d(a, b, 3, 2, 1), nn.BatchNorm2d(b), nn.ReLU())
            self.body = nn.Sequential(conv(1, 8), conv(8, 16), conv(16, 16), nn.Flatten(), nn.Linear(256, 32))

        def forward(self, z):
            z = F.avg_pool2d(F.pad(z, (2, 2, 2, 2), mode="replicate"), 5, 1)
            return F.normalize(self.body((z - z.mean((1, 2, 3), keepdim=True)) / (z.std((1, 2, 3), keepdim=True) + 0.02)), dim=1)

    return Net(), lambda network, a, p, generator: hardest_negative_loss(network(a), network(p)), 0.01
""",
    (Q7, "triplets with any other point"): """
def my_descriptor():
    from course_lib.metric_learning.losses import triplet_loss

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.net = nn.Sequential(
                nn.Conv2d(1, 8, 5, 2, 2), nn.BatchNorm2d(8), nn.ReLU(), nn.Conv2d(8, 16, 3, 2, 1), nn.BatchNorm2d(16), nn.ReLU(),
                nn.Conv2d(16, 16, 3, 2, 1), nn.BatchNorm2d(16), nn.ReLU(), nn.Flatten(), nn.Linear(256, 32),
            )

        def forward(self, z):
            z = F.avg_pool2d(F.pad(z, (1, 1, 1, 1), mode="replicate"), 3, 1)
            z = (z - z.mean((1, 2, 3), keepdim=True)) / (z.std((1, 2, 3), keepdim=True) + 0.02)
            return F.normalize(self.net(z), dim=1)

    def loss(network, a, p, generator):
        e, f = network(noisy(torch.cat([a, p]), LEVEL, generator)).chunk(2)
        return sum(triplet_loss(e, f, f.roll(k, 0), margin=0.5) for k in range(1, 33)) / 32

    return Net(), loss, 0.01
""",
}
