"""Right answers to the questions on pretext tasks, written as differently as people write: every one keeps its points."""

Q1, Q2, Q3, Q4, Q5, Q6, Q7 = (f"pretext_tasks-{i}" for i in range(1, 8))

RIGHT = {
    (Q1, "one picture after the other"): """
def hang(x, ways):
    done = []
    for picture, way in zip(x, ways.tolist()):
        if way >= 4:
            picture = picture.flip(-1)
        done.append(picture.rot90(way % 4, (-2, -1)))
    return torch.stack(done)

def back(y, ways):
    done = []
    for picture, way in zip(y, ways.tolist()):
        picture = picture.rot90(-(way % 4), (-2, -1))
        done.append(picture.flip(-1) if way >= 4 else picture)
    return torch.stack(done)
""",
    (Q1, "a table of pixels"): """
def table(side):
    at = torch.arange(side * side).view(side, side)
    return torch.stack([torch.rot90(at.flip(1) if w > 3 else at, w % 4).flatten() for w in range(8)])

def hang(x, ways):
    b, c, s, _ = x.shape
    index = table(s)[ways].unsqueeze(1).expand(b, c, s * s)
    return x.flatten(2).gather(2, index).view(x.shape)

def back(y, ways):
    b, c, s, _ = y.shape
    index = table(s).argsort(1)[ways].unsqueeze(1).expand(b, c, s * s)
    return y.flatten(2).gather(2, index).view(y.shape)
""",
    (Q1, "transposed and flipped, in groups"): """
def hang(x, ways):
    moves = [
        lambda p: p, lambda p: p.mT.flip(2), lambda p: p.flip(2, 3), lambda p: p.mT.flip(3),
        lambda p: p.flip(3), lambda p: p.flip(3).mT.flip(2), lambda p: p.flip(2), lambda p: p.flip(3).mT.flip(3),
    ]
    out = torch.zeros_like(x)
    for way, move in enumerate(moves):
        out = torch.where((ways == way)[:, None, None, None], move(x), out)
    return out

def back(y, ways):
    inverse = torch.tensor([0, 3, 2, 1, 4, 5, 6, 7])
    return hang(y, inverse[ways])
""",
    (Q1, "the library's turn, into an empty batch"): """
def hang(x, ways):
    from course_lib.pretext_tasks.rotation import rotate
    out = torch.empty_like(x)
    for w in ways.unique().tolist():
        mine = x[ways == w]
        out[ways == w] = rotate(mine if w < 4 else torch.flip(mine, (3,)), 90 * (w % 4))
    return out

def back(y, ways):
    out = y.clone()
    for _ in range(3):
        turned = torch.rot90(out, 1, (2, 3))
        out = torch.where(((ways % 4) > _).view(-1, 1, 1, 1), torch.rot90(out, 3, (2, 3)), out)
    return torch.where((ways > 3).view(-1, 1, 1, 1), out.flip(3), out)
""",
    (Q2, "the nearest and the sum, kept up to date"): """
def farthest(orders, count):
    nearest = torch.full((len(orders),), 10_000)
    total = torch.zeros(len(orders), dtype=torch.long)
    free = torch.ones(len(orders), dtype=torch.bool)
    chosen, now = [], 0
    while True:
        chosen.append(now)
        free[now] = False
        if len(chosen) == count:
            return torch.tensor(chosen)
        d = orders.ne(orders[now]).sum(-1)
        nearest, total = torch.minimum(nearest, d), total + d
        best = free & (nearest == nearest[free].max())
        best &= total == total[best].max()
        now = best.nonzero()[0].item()

def put_right(shuffled, orders, answers):
    right = torch.empty_like(shuffled)
    for b, k in enumerate(answers.tolist()):
        right[b, orders[k].long()] = shuffled[b]
    return right
""",
    (Q2, "plain Python"): """
def farthest(orders, count):
    rows = orders.tolist()
    apart = lambda i, j: sum(a != b for a, b in zip(rows[i], rows[j]))
    chosen = [0]
    for _ in range(1, count):
        rest = [i for i in range(len(rows)) if i not in chosen]
        merit = {i: (min(apart(i, j) for j in chosen), sum(apart(i, j) for j in chosen)) for i in rest}
        chosen.append(max(rest, key=lambda i: (*merit[i], -i)))
    return torch.as_tensor(chosen)

def put_right(shuffled, orders, answers):
    return torch.stack([torch.stack([s[orders[k].tolist().index(q)] for q in range(len(s))]) for s, k in zip(shuffled, answers)])
""",
    (Q2, "the whole matrix, gather"): """
def farthest(orders, count):
    d = (orders[:, None] != orders).sum(2).double()
    chosen = torch.zeros(1, dtype=torch.long)
    for _ in range(count - 1):
        merit = d[chosen].min(0).values + d[chosen].mean(0) / 1000
        merit[chosen] = -1
        chosen = torch.cat([chosen, (merit >= merit.max() - 1e-9).nonzero()[0]])
    return chosen

def put_right(shuffled, orders, answers):
    index = torch.argsort(orders[answers], dim=1).view(*shuffled.shape[:2], 1, 1, 1)
    return torch.gather(shuffled, 1, index.expand_as(shuffled))
""",
    (Q2, "numpy, scatter, one-hot"): """
def farthest(orders, count):
    import numpy as np
    table, chosen = orders.numpy(), [0]
    for _ in range(count - 1):
        d = np.stack([(table != table[c]).sum(1) for c in chosen])
        key = d.min(0).astype(np.int64) * 10**6 + d.sum(0)
        key[chosen] = -1
        chosen.append(int(np.argmax(key)))
    return torch.from_numpy(np.array(chosen))

def put_right(shuffled, orders, answers):
    index = orders[answers].view(*shuffled.shape[:2], 1, 1, 1).expand_as(shuffled)
    return torch.zeros_like(shuffled).scatter(1, index, shuffled)
""",
    (Q3, "by the cosine of the difference"): """
def encode(hue, bins, sigma):
    h = torch.arange(bins, dtype=hue.dtype) / bins * 360
    d = (hue.unsqueeze(1) - h[None, :, None, None] + 180).remainder(360) - 180
    return F.softmax(-0.5 * (d / sigma) ** 2, dim=1)

def decode(logits, temperature):
    p = F.softmax(logits.double() / temperature, dim=1)
    a = torch.linspace(0, 2 * math.pi, p.shape[1] + 1, dtype=torch.float64)[:-1]
    x, y = torch.einsum("bqhw,q->bhw", p, a.cos()), torch.einsum("bqhw,q->bhw", p, a.sin())
    hue = torch.atan2(y, x) * 180 / math.pi
    return torch.where(hue < 0, hue + 360, hue).float(), (x**2 + y**2).sqrt().float()
""",
    (Q3, "a loop over the bins, the largest subtracted"): """
def encode(hue, bins, sigma):
    layers = []
    for k in range(bins):
        d = (hue - 360 * k / bins).abs()
        d = torch.min(d, 360 - d)
        layers.append(-d.pow(2) / 2 / sigma / sigma)
    w = torch.stack(layers, 1)
    w = (w - w.max(1, keepdim=True).values).exp()
    return w / w.sum(1, keepdim=True)

def decode(logits, temperature):
    z = logits / temperature
    w = (z - z.amax(1, keepdim=True)).exp()
    w = w / w.sum(1, keepdim=True)
    angle = torch.arange(w.shape[1]).mul(2 * math.pi / w.shape[1])
    point = torch.tensordot(w, torch.stack([angle.cos(), angle.sin()], 1), dims=([1], [0]))
    return torch.atan2(point[..., 1], point[..., 0]).rad2deg() % 360, point.norm(dim=-1)
""",
    (Q3, "complex numbers"): """
def encode(hue, bins, sigma):
    turn = torch.arange(bins) * (360.0 / bins)
    d = (hue.unsqueeze(-1) - turn) % 360
    d = torch.where(d > 180, 360 - d, d)
    return torch.softmax(-(d**2) / (2 * sigma**2), -1).permute(0, 3, 1, 2)

def decode(logits, temperature):
    p = torch.softmax(logits / temperature, 1)
    unit = torch.polar(torch.ones(p.shape[1]), torch.arange(p.shape[1]) * (2 * torch.pi / p.shape[1]))
    point = (p * unit[:, None, None]).sum(1)
    return torch.rad2deg(point.angle()).remainder(360), point.abs()
""",
    (Q3, "log_softmax, in place"): """
def encode(hue, bins, sigma):
    middles = torch.tensor([360 * k / bins for k in range(bins)], dtype=hue.dtype)
    d = torch.abs(hue[:, None] - middles[None, :, None, None])
    d = 180 - (d - 180).abs()
    return d.mul_(d).mul_(-1 / (2 * sigma**2)).log_softmax(1).exp_()

def decode(logits, temperature):
    p = logits.div(temperature).log_softmax(1).exp()
    q = p.shape[1]
    step = 2 * math.pi / q
    x = sum(p[:, k] * math.cos(k * step) for k in range(q))
    y = sum(p[:, k] * math.sin(k * step) for k in range(q))
    return [torch.atan2(y, x) / math.pi * 180 % 360, torch.linalg.vector_norm(torch.stack([x, y]), dim=0)]
""",
    (Q4, "one view after the other"): """
def contrast(z, pictures, temperature=0.5):
    losses = []
    for i in range(len(z)):
        others = [j for j in range(len(z)) if j != i]
        logits = F.cosine_similarity(z[i : i + 1], z[others]) / temperature
        mine = pictures[others] == pictures[i]
        if mine.any():
            losses.append(-F.log_softmax(logits, 0)[mine].mean())
    return sum(losses) / len(losses)
""",
    (Q4, "cross entropy with soft targets"): """
def contrast(z, pictures, temperature=0.5):
    n = len(z)
    off = ~torch.eye(n, dtype=torch.bool)
    unit = F.normalize(z)
    s = (unit @ unit.T)[off].view(n, n - 1) / temperature
    same = (pictures[:, None] == pictures[None])[off].view(n, n - 1)
    has = same.any(1)
    target = same[has].to(s.dtype)
    return F.cross_entropy(s[has], target / target.sum(1, keepdim=True))
""",
    (Q4, "cosines by the library, the sum by hand"): """
def contrast(z, pictures, temperature=0.5):
    s = F.cosine_similarity(z[:, None], z[None], dim=2) / temperature
    s = s - 2 / temperature * torch.eye(len(z), dtype=z.dtype) * 1e3
    top = s.max(1, keepdim=True).values.detach()
    log_p = s - top - (s - top).exp().sum(1, keepdim=True).log()
    same = (pictures[:, None] == pictures) & ~torch.eye(len(z), dtype=torch.bool)
    count = same.sum(1)
    each = torch.where(same, log_p, torch.zeros_like(log_p)).sum(1)[count > 0] / count[count > 0]
    return each.mean().neg()
""",
    (Q4, "pairs of indices, in double precision"): """
def contrast(z, pictures, temperature=0.5):
    unit = (z / z.norm(dim=1, keepdim=True).clamp_min(1e-12)).double()
    s = torch.einsum("id,jd->ij", unit, unit) / temperature
    s = s.fill_diagonal_(float("-inf"))
    i, j = ((pictures[:, None] == pictures[None]).fill_diagonal_(False)).nonzero(as_tuple=True)
    pair = torch.logsumexp(s, 1)[i] - s[i, j]
    weight = 1.0 / torch.bincount(i, minlength=len(z))[i]
    return ((pair * weight).sum() / weight.sum()).to(z.dtype)
""",
    (Q5, "least squares with the penalty as further samples"): """
def solve(features, labels, penalty):
    n, d = features.shape
    f = features.double()
    mean, std = f.mean(0), ((f - f.mean(0)) ** 2).mean(0).sqrt()
    std[std < 1e-6] = 1
    x, y = (f - mean) / std, F.one_hot(labels).double()
    a = torch.cat([x, math.sqrt(penalty * n) * torch.eye(d).double()])
    v = torch.linalg.lstsq(a, torch.cat([y - y.mean(0), torch.zeros(d, y.shape[1]).double()])).solution
    W = v / std[:, None]
    return W.to(features.dtype), (y.mean(0) - mean @ W).to(features.dtype)

def choose(features, labels, held, held_labels, penalties):
    best, most = None, -1
    for penalty in sorted(penalties, reverse=True):
        W, b = solve(features, labels, penalty)
        right = (torch.argmax(held @ W + b, 1) == held_labels).sum()
        if right > most:
            best, most = penalty, right
    return best
""",
    (Q5, "a column of ones that is not punished"): """
def solve(features, labels, penalty):
    n, d = features.shape
    std, mean = torch.std_mean(features, dim=0, correction=0)
    std = std + (std < 1e-6) * (1 - std)
    x = torch.cat([(features - mean) / std, torch.ones(n, 1, dtype=features.dtype)], 1)
    y = torch.eye(int(labels.max()) + 1, dtype=features.dtype)[labels]
    punished = penalty * torch.diag(torch.tensor([1.0] * d + [0.0], dtype=features.dtype))
    v = torch.linalg.inv(x.mT @ x / n + punished) @ (x.mT @ y / n)
    W = v[:-1] / std.unsqueeze(1)
    return W, v[-1] - W.mT @ mean

def choose(features, labels, held, held_labels, penalties):
    scores = []
    for p in penalties:
        W, b = solve(features, labels, p)
        scores.append((((held @ W + b).max(1).indices == held_labels).float().mean().item(), p))
    return max(scores)[1]
""",
    (Q5, "by the small matrix of samples"): """
def solve(features, labels, penalty):
    f = features.double()
    mean = f.mean(0)
    std = (f - mean).pow(2).mean(0).sqrt()
    std = torch.where(std < 1e-6, torch.ones_like(std), std)
    x = (f - mean) / std
    y = torch.zeros(len(f), labels.max() + 1, dtype=torch.float64).scatter_(1, labels[:, None], 1.0)
    c = y.mean(0)
    v = x.T @ torch.linalg.solve(x @ x.T + penalty * len(f) * torch.eye(len(f), dtype=torch.float64), y - c) if penalty else torch.linalg.pinv(x) @ (y - c)
    W = v / std[:, None]
    return W, c - mean @ W

def choose(features, labels, held, held_labels, penalties):
    def wrong(p):
        W, b = solve(features, labels, p)
        return ((held.double() @ W + b).argmax(1) != held_labels).sum().item()
    fewest = min(map(wrong, penalties))
    return max(p for p in penalties if wrong(p) == fewest)
""",
    (Q5, "scikit-learn's ridge"): """
def solve(features, labels, penalty):
    import numpy as np
    from sklearn.linear_model import Ridge
    f = features.double().numpy()
    mean, std = f.mean(0), f.std(0)
    std = np.where(std < 1e-6, 1, std)
    y = np.eye(int(labels.max()) + 1)[labels.numpy()]
    ridge = Ridge(alpha=penalty * len(f)).fit((f - mean) / std, y)
    W = torch.from_numpy(ridge.coef_.T / std[:, None]).to(features.dtype)
    return W, torch.from_numpy(ridge.intercept_).to(features.dtype) - torch.from_numpy(mean).to(features.dtype) @ W

def choose(features, labels, held, held_labels, penalties):
    right = {p: sum((held @ W + b).argmax(1).eq(held_labels)).item() for p in penalties for W, b in [solve(features, labels, p)]}
    return max(p for p in right if right[p] == max(right.values()))
""",
    (Q6, "a mask, and one pass for all cells"): """
def exchange(x, row, column, cell, order):
    h, w = x.shape[-2:]
    inside = ((torch.arange(h) // cell == row)[:, None]) & (torch.arange(w) // cell == column)
    return torch.where(inside, x[order], x)

def evidence(network, x, labels, cell):
    modes = {m: m.training for m in network.modules()}
    network.eval()
    order = torch.cat([torch.arange(1, len(x)), torch.tensor([0])])
    grid = torch.zeros(math.ceil(x.shape[2] / cell), math.ceil(x.shape[3] / cell))
    with torch.inference_mode():
        before = network(x).argmax(1).eq(labels).sum().item()
        for r in range(grid.shape[0]):
            for c in range(grid.shape[1]):
                after = network(exchange(x, r, c, cell, order)).argmax(1).eq(labels).sum().item()
                grid[r, c] = 100 * (before - after) / len(x)
    for m, mode in modes.items():
        m.training = mode
    return grid
""",
    (Q6, "a copy of the network"): """
def exchange(x, row, column, cell, order):
    top, left = row * cell, column * cell
    out = x.clone()
    out[..., top : top + cell, left : left + cell] = x[order, :, top : top + cell, left : left + cell]
    return out

@torch.no_grad()
def evidence(network, x, labels, cell):
    import copy
    network = copy.deepcopy(network).eval()
    hits = lambda z: (network(z).max(1)[1] == labels).double().mean() * 100
    rows = [list(range(0, side, cell)) for side in x.shape[2:]]
    order = (torch.arange(len(x)) + 1) % len(x)
    return torch.tensor([[hits(x) - hits(exchange(x, r // cell, c // cell, cell, order)) for c in rows[1]] for r in rows[0]])
""",
    (Q6, "one picture after the other"): """
def exchange(x, row, column, cell, order):
    done = []
    for i, j in enumerate(order.tolist()):
        picture = x[i].clone()
        picture[:, row * cell : (row + 1) * cell, column * cell : (column + 1) * cell] = x[j][:, row * cell : (row + 1) * cell, column * cell : (column + 1) * cell]
        done.append(picture)
    return torch.stack(done)

def evidence(network, x, labels, cell):
    from course_lib.features import evaluating
    n = len(x)
    order = torch.tensor([*range(1, n), 0])
    with evaluating(network), torch.no_grad():
        right = 100 * (network(x).argmax(1) == labels).sum() / n
        grid = []
        for r in range((x.shape[2] + cell - 1) // cell):
            row = []
            for c in range((x.shape[3] + cell - 1) // cell):
                row.append(right - 100 * (network(exchange(x, r, c, cell, order)).argmax(1) == labels).sum() / n)
            grid.append(torch.stack(row))
        return torch.stack(grid)
""",
    (Q6, "put together with cat"): """
def exchange(x, row, column, cell, order):
    a, b, c, d = row * cell, (row + 1) * cell, column * cell, (column + 1) * cell
    middle = torch.cat([x[:, :, a:b, :c], x[order][:, :, a:b, c:d], x[:, :, a:b, d:]], 3)
    return torch.cat([x[:, :, :a], middle, x[:, :, b:]], 2)

def evidence(network, x, labels, cell):
    was = [m.training for m in network.modules()]
    try:
        network.eval()
        with torch.no_grad():
            r, c = -(-x.shape[2] // cell), -(-x.shape[3] // cell)
            every = [x, *(exchange(x, i, j, cell, torch.arange(1, len(x) + 1) % len(x)) for i in range(r) for j in range(c))]
            right = torch.stack([network(z).argmax(1) == labels for z in every]).float().mean(1) * 100
    finally:
        for m, mode in zip(network.modules(), was):
            m.training = mode
    return (right[0] - right[1:]).view(r, c)
""",
    (Q7, "two batches, one direction, its own cross entropy"): """
def my_question():
    head = nn.Linear(96, 48)

    def loss(network, head, x, generator):
        a = head(network(view(x, generator, 0.4, 0.8, 0.5)))
        b = head(network(view(x, generator, 0.4, 0.8, 0.5)))
        logits = F.normalize(a) @ F.normalize(b).T / 0.1
        return F.cross_entropy(logits, torch.arange(len(x)))

    return head, loss, 0.01
""",
    (Q7, "near its twin, far from all others"): """
def my_question():
    head = nn.Sequential(nn.Linear(96, 64), nn.ReLU(), nn.Linear(64, 32))

    def loss(network, head, x, generator):
        a, b = (F.normalize(head(network(view(x, generator, 0.5, 1.0, 0.5))), dim=1) for _ in range(2))
        apart = sum(torch.pdist(v).square().mul(-2).exp().mean().log() for v in (a, b))
        return (a - b).square().sum(1).mean() + apart / 2

    return head, loss, 0.01
""",
    (Q7, "each picture and its negative"): """
def my_question():
    head = nn.Sequential(nn.Linear(96, 96), nn.ReLU(), nn.Linear(96, 32))

    def loss(network, head, x, generator):
        a, b = view(x, generator, move=0.4, light=0.5), 1 - view(x, generator, move=0.4, light=0.5)
        return nt_xent(head(network(a)), head(network(b)), 0.2)

    return head, loss, 0.01
""",
    (Q7, "slower, and warmer"): """
def my_question():
    class Head(nn.Module):
        def __init__(self):
            super().__init__()
            self.layers = nn.Sequential(nn.Linear(96, 64), nn.ReLU(), nn.Linear(64, 32))

        def forward(self, features):
            return F.normalize(self.layers(features), dim=1)

    def loss(network, head, x, generator):
        pairs = [view(x, generator, move=0.5, light=1.0, invert=0.5) for _ in range(2)]
        return nt_xent(*head(network(torch.cat(pairs))).chunk(2), 0.2)

    return Head(), loss, 0.004
""",
}
