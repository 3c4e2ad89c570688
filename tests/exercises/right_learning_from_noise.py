"""Right answers to the questions on learning from noise, written as differently as people write: all keep their points."""

Q1, Q2, Q3, Q4, Q5, Q6, Q7 = (f"learning_from_noise-{i}" for i in range(1, 8))

# a network for the board that several answers share
SMALL = """
    class Net(nn.Module):
        def __init__(self, width=16):
            super().__init__()
            self.layers = nn.Sequential(
                nn.Conv2d(1, width, 3, padding=1), nn.ReLU(), nn.Conv2d(width, width, 3, padding=1), nn.ReLU(),
                nn.Conv2d(width, width, 3, padding=1), nn.ReLU(), nn.Conv2d(width, 1, 3, padding=1),
            )
            self.layers[-1].weight.data.zero_()
            self.layers[-1].bias.data.zero_()

        def forward(self, z):
            return z - self.layers(z)
"""

RIGHT = {
    (Q1, "one candidate after the other"): """
def believed(recordings, gamma):
    if gamma > 1:
        return recordings.sum(0) / len(recordings)
    best, least = recordings[0].clone(), torch.full_like(recordings[0], math.inf)
    for candidate in recordings:
        cost = sum((candidate - z).abs() ** gamma for z in recordings)
        better = (cost < least) | ((cost == least) & (candidate < best))
        best, least = torch.where(better, candidate, best), torch.where(better, cost, least)
    return best
""",
    (Q1, "sorted first, so that the first is the smallest"): """
def believed(recordings, gamma):
    if gamma == 2:
        return torch.mean(recordings, dim=0)
    z = recordings.sort(0).values
    if gamma == 1:
        return z[(len(z) - 1) // 2].clone()
    costs = torch.stack([(z - candidate).abs().pow(gamma).sum(0) for candidate in z])
    first = torch.zeros_like(z[0])
    for k in reversed(range(len(z))):
        first = torch.where(costs[k] <= costs.min(0).values, z[k], first)
    return first
""",
    (Q1, "cdist"): """
def believed(recordings, gamma):
    shape = recordings.shape[1:]
    pixels = recordings.reshape(len(recordings), -1).T.contiguous().sort(1).values
    if gamma == 2:
        return pixels.mean(1).view(shape)
    cost = torch.cdist(pixels[..., None], pixels[..., None], p=1).pow(gamma).sum(2)
    index = torch.where(cost == cost.min(1, keepdim=True).values, torch.arange(pixels.shape[1]), pixels.shape[1]).min(1, keepdim=True).values
    return pixels.gather(1, index)[:, 0].reshape(shape)
""",
    (Q1, "pixel by pixel, plain Python"): """
def believed(recordings, gamma):
    columns = recordings.reshape(len(recordings), -1).T.tolist()
    def answer(z):
        if gamma == 2:
            return sum(z) / len(z)
        return min(z, key=lambda x: (sum(abs(x - other) ** gamma for other in z if other != x), x))
    return torch.tensor([answer(z) for z in columns], dtype=recordings.dtype).reshape(recordings.shape[1:])
""",
    (Q1, "numpy"): """
def believed(recordings, gamma):
    import numpy as np
    z = recordings.detach().numpy()
    if gamma == 2:
        return torch.from_numpy(np.asarray(z.mean(0, dtype=z.dtype)))
    z = np.sort(z, axis=0)
    cost = (np.abs(z[:, None] - z[None]) ** z.dtype.type(gamma)).sum(0)
    return torch.from_numpy(np.take_along_axis(z, cost.argmin(0)[None], 0)[0].copy() if z.ndim > 1 else np.array(z[cost.argmin()]))
""",
    (Q2, "with erf, by Newton's method"): """
def Phi(t):
    return 0.5 * (1 + torch.erf(t / 2**0.5))

def phi(t):
    return torch.exp(-0.5 * t * t) / (2 * math.pi) ** 0.5

def stored_mean(y, sigma):
    if not sigma:
        return torch.clamp(y, min=0.0, max=1.0)
    a, b = -y / sigma, (1 - y) / sigma
    return y * (Phi(b) - Phi(a)) + sigma * (phi(a) - phi(b)) + 1 - Phi(b)

def restored(m, sigma):
    if not sigma:
        return m.clamp(0, 1)
    y = torch.full_like(m, 0.5)
    for _ in range(60):
        slope = Phi((1 - y) / sigma) - Phi(-y / sigma)
        y = (y - (stored_mean(y, sigma) - m) / slope).clamp(0, 1)
    return y
""",
    (Q2, "torch.distributions, and a table"): """
def stored_mean(y, sigma):
    if sigma == 0:
        return y.clip(0, 1)
    n = torch.distributions.Normal(torch.zeros((), dtype=y.dtype), torch.ones((), dtype=y.dtype))
    above = lambda t: t * n.cdf(t) + n.log_prob(t).exp()
    return sigma * (above(y / sigma) - above((y - 1) / sigma))

def restored(m, sigma):
    y = torch.linspace(0, 1, 20001, dtype=torch.float64)
    means = stored_mean(y, sigma)
    k = torch.searchsorted(means, m.double().contiguous()).clamp(1, 20000)
    share = ((m - means[k - 1]) / (means[k] - means[k - 1])).clamp(0, 1)
    return (y[k - 1] + share * (y[k] - y[k - 1])).to(m.dtype)
""",
    (Q2, "an integral over levels"): """
def stored_mean(y, sigma):
    # the mean of a number in [0, 1] is the integral of the probability to be above a level
    if sigma == 0:
        return torch.min(torch.max(y, torch.zeros_like(y)), torch.ones_like(y))
    nodes, weights = (torch.from_numpy(v).to(y.dtype) for v in __import__("numpy").polynomial.legendre.leggauss(60))
    pieces = 200
    edges = torch.arange(pieces, dtype=y.dtype) / pieces
    levels = (edges[:, None] + (nodes + 1) / 2 / pieces).flatten()
    w = weights.repeat(pieces) / 2 / pieces
    return (torch.special.ndtr((y[..., None] - levels) / sigma) * w).sum(-1)

def restored(m, sigma):
    low, high = torch.zeros_like(m), torch.ones_like(m)
    for _ in range(20):
        middle = (low + high) / 2
        up = (stored_mean(middle, sigma) < m).to(m.dtype)
        low, high = up * middle + (1 - up) * low, up * high + (1 - up) * middle
    return torch.lerp(low, high, 0.5)
""",
    (Q2, "in double precision, a step that is halved"): """
def stored_mean(y, sigma):
    x = y.double()
    if sigma == 0:
        out = x - F.relu(x - 1) + F.relu(-x)
    else:
        part = lambda mu: mu * 0.5 * torch.erfc(-mu / (sigma * math.sqrt(2))) + sigma / math.sqrt(2 * math.pi) * torch.exp(-0.5 * (mu / sigma) ** 2)
        out = part(x) - part(x - 1)
    return out.to(y.dtype)

def restored(m, sigma):
    y, step = torch.full_like(m, 0.5), 0.25
    while step > 1e-6:
        y = y + step * torch.where(stored_mean(y, sigma) < m, 1.0, -1.0).to(m.dtype)
        step /= 2
    return y
""",
    (Q3, "one hidden pixel after the other"): """
def hide(z, cell, radius, generator):
    b, c, h, w = z.shape
    hidden, mask = z.clone(), torch.zeros(b, 1, h, w, dtype=torch.bool)
    reach = int(radius)
    def draw(n):
        return int(torch.randint(n, (1,), generator=generator))
    for i in range(b):
        for top in range(0, h, cell):
            for left in range(0, w, cell):
                row = top + draw(min(cell, h - top))
                column = left + draw(min(cell, w - left))
                around = [
                    (y, x)
                    for y in range(max(0, row - reach), min(h, row + reach + 1))
                    for x in range(max(0, column - reach), min(w, column + reach + 1))
                    if 0 < (y - row) ** 2 + (x - column) ** 2 <= radius**2
                ]
                y, x = around[draw(len(around))]
                hidden[i, :, row, column] = z[i, :, y, x]
                mask[i, 0, row, column] = True
    return hidden, mask
""",
    (Q3, "a lot for every shift of the whole picture"): """
def hide(z, cell, radius, generator):
    b, c, h, w = z.shape
    r = math.floor(radius)
    shifts = [(y, x) for y in range(-r, r + 1) for x in range(-r, r + 1) if 0 < math.hypot(y, x) <= radius]
    inside = F.pad(torch.ones(1, 1, h, w), (r, r, r, r))
    best, other = torch.full((b, 1, h, w), -1.0), z.clone()
    wide = z.new_zeros(b, c, h + 2 * r, w + 2 * r)
    wide[:, :, r : r + h, r : r + w] = z
    for y, x in shifts:
        lot = torch.rand(b, 1, h, w, generator=generator) * inside[:, :, r + y : r + y + h, r + x : r + x + w] - (1 - inside[:, :, r + y : r + y + h, r + x : r + x + w])
        wins = lot > best
        best = torch.where(wins, lot, best)
        other = torch.where(wins, wide[:, :, r + y : r + y + h, r + x : r + x + w], other)
    rows, columns = torch.arange(h), torch.arange(w)
    lots = torch.rand(b, 1, h, w, generator=generator, dtype=torch.float64)
    group = (rows // cell)[:, None] * -(-w // cell) + columns // cell
    mask = torch.zeros(b, 1, h, w, dtype=torch.bool)
    for k in range(int(group.max()) + 1):
        mine = torch.where(group == k, lots, -1.0)
        mask |= mine == mine.amax((2, 3), keepdim=True)
    return torch.where(mask, other, z), mask
""",
    (Q3, "numbers for the neighbours, by how many there are"): """
def hide(z, cell, radius, generator):
    b, c, h, w = z.shape
    tops, lefts = torch.arange(0, h, cell), torch.arange(0, w, cell)
    tall, wide = (h - tops).clamp(max=cell), (w - lefts).clamp(max=cell)
    shape = (b, len(tops), len(lefts))
    row = (tops[:, None] + (torch.rand(shape, generator=generator, dtype=torch.float64) * tall[:, None]).floor().long()).flatten(1)
    column = (lefts + (torch.rand(shape, generator=generator, dtype=torch.float64) * wide).floor().long()).flatten(1)
    r = int(radius)
    steps = torch.cartesian_prod(torch.arange(-r, r + 1), torch.arange(-r, r + 1))
    square = (steps**2).sum(1)
    steps = steps[(square > 0) & (square <= radius**2)]
    y, x = row[..., None] + steps[:, 0], column[..., None] + steps[:, 1]
    good = (y >= 0) & (y < h) & (x >= 0) & (x < w)
    which = (torch.rand(row.shape, generator=generator, dtype=torch.float64) * good.sum(-1)).long()
    pick = (good & (good.cumsum(-1) == which[..., None] + 1)).int().argmax(-1, keepdim=True)
    y, x = y.gather(-1, pick)[..., 0], x.gather(-1, pick)[..., 0]
    i = torch.arange(b)[:, None].expand_as(row)
    hidden, mask = z.clone(), torch.zeros(b, 1, h, w, dtype=torch.bool)
    hidden[i, :, row, column] = z[i, :, y, x]
    mask[i, 0, row, column] = True
    return hidden, mask
""",
    (Q3, "multinomial"): """
def hide(z, cell, radius, generator):
    b, c, h, w = z.shape
    at, reach = torch.arange(h * w), math.floor(radius)
    steps = torch.tensor([(y, x) for y in range(-reach, reach + 1) for x in range(-reach, reach + 1) if 0 < y * y + x * x <= radius**2])
    index = []
    for top in range(0, h, cell):
        for left in range(0, w, cell):
            mine = at.view(h, w)[top : top + cell, left : left + cell].flatten()
            index.append(mine[torch.randint(len(mine), (b,), generator=generator)])
    index = torch.stack(index, 1)
    y, x = (index // w)[..., None] + steps[:, 0], (index % w)[..., None] + steps[:, 1]
    allowed = ((y >= 0) & (y < h) & (x >= 0) & (x < w)).float()
    one = torch.multinomial(allowed.flatten(0, 1), 1, generator=generator).view(*index.shape, 1)
    source = (y * w + x).gather(-1, one)[..., 0]
    hidden, mask = z.flatten(2).clone(), torch.zeros(b, h * w, dtype=torch.bool)
    for channel in range(c):
        hidden[:, channel].scatter_(1, index, z.flatten(2)[:, channel].gather(1, source))
    return hidden.view(b, c, h, w), mask.scatter(1, index, torch.ones_like(mask)).view(b, 1, h, w)
""",
    (Q4, "by index, one gather"): """
def table(strides, size):
    (s, t), (h, w) = strides, size
    rows, columns = -(-h // s), -(-w // t)
    a, b, i, j = torch.meshgrid(torch.arange(s), torch.arange(t), torch.arange(rows), torch.arange(columns), indexing="ij")
    return (a + s * i), (b + t * j)

def deal(z, strides):
    y, x = table(strides, z.shape[2:])
    y, x = y.clamp(max=z.shape[2] - 1), x.clamp(max=z.shape[3] - 1)
    return z[:, :, y, x].permute(0, 2, 3, 1, 4, 5).flatten(0, 2).clone()

def collect(small, strides, size):
    s, t = strides
    y, x = torch.meshgrid(torch.arange(size[0]), torch.arange(size[1]), indexing="ij")
    parts = small.unflatten(0, (-1, s * t)).transpose(1, 2)
    return parts[:, :, y % s * t + x % t, y // s, x // t]
""",
    (Q4, "reshape and permute"): """
def deal(z, strides):
    s, t = strides
    while z.shape[2] % s:
        z = torch.cat([z, z[:, :, -1:]], 2)
    while z.shape[3] % t:
        z = torch.cat([z, z[..., -1:]], 3)
    b, c, h, w = z.shape
    return z.reshape(b, c, h // s, s, w // t, t).permute(0, 3, 5, 1, 2, 4).reshape(b * s * t, c, h // s, w // t).clone()

def collect(small, strides, size):
    s, t = strides
    n, c, h, w = small.shape
    z = small.reshape(n // (s * t), s, t, c, h, w).permute(0, 3, 4, 1, 5, 2).reshape(-1, c, h * s, w * t)
    return z[..., : size[0], : size[1]].clone()
""",
    (Q4, "lines first, then columns"): """
def split(z, s, dim):
    n = z.shape[dim]
    parts = []
    for a in range(s):
        index = torch.arange(a, a + s * -(-n // s), s).clamp(max=n - 1)
        parts.append(z.index_select(dim, index))
    return torch.stack(parts, 1)

def deal(z, strides):
    rows = split(z, strides[0], 2)
    both = split(rows.flatten(0, 1), strides[1], 3)
    return both.flatten(0, 1)

def collect(small, strides, size):
    s, t = strides
    z = torch.stack(small.unflatten(0, (-1, t)).unbind(1), -1).flatten(-2)
    z = torch.stack(z.unflatten(0, (-1, s)).unbind(1), -2).flatten(2, 3)
    return z[:, :, : size[0], : size[1]].contiguous().clone()
""",
    (Q4, "one small picture after the other, cat"): """
def deal(z, strides):
    s, t = strides
    H, W = z.shape[-2:]
    out = []
    for picture in z:
        for a in range(s):
            for b in range(t):
                r = [min(i, H - 1) for i in range(a, a + s * math.ceil(H / s), s)]
                c = [min(i, W - 1) for i in range(b, b + t * math.ceil(W / t), t)]
                out.append(picture[:, r][:, :, c])
    return torch.stack(out)

def collect(small, strides, size):
    s, t = strides
    pictures = []
    for group in small.split(s * t):
        lines = []
        for y in range(size[0]):
            row = [group[y % s * t + x % t, :, y // s, x // t] for x in range(size[1])]
            lines.append(torch.stack(row, -1))
        pictures.append(torch.stack(lines, -2))
    return torch.stack(pictures)
""",
    (Q5, "unfold and einsum, jacrev"): """
def around(x, weight, radius):
    k = weight.shape[-1]
    patches = F.unfold(x, k, padding=k // 2).view(len(x), x.shape[1], k, k, *x.shape[2:])
    mask = torch.ones(k, k, dtype=weight.dtype)
    low = max(0, k // 2 - radius)
    mask[low : k - low, low : k - low] = 0
    return torch.einsum("bcijhw,dcij->bdhw", patches, weight * mask)

def smallest_step(kernel, radius):
    return (kernel + 1) // 2 + radius

def proof(network, z, radius):
    jacobian = torch.func.jacrev(lambda x: network(x))(z.detach())[0, :, :, :, 0].detach()
    h, w = z.shape[2:]
    rows, columns = torch.arange(h), torch.arange(w)
    near = ((rows[:, None] - rows).abs() <= radius)[:, None, :, None] & ((columns[:, None] - columns).abs() <= radius)[None, :, None, :]
    return jacobian.abs().amax((0, 3))[near].max()
""",
    (Q5, "the whole minus the hole, functional.jacobian"): """
def around(x, weight, radius):
    k = weight.shape[-1] // 2
    hole = weight.clone()
    for i in range(2 * k + 1):
        for j in range(2 * k + 1):
            if abs(i - k) <= radius and abs(j - k) <= radius:
                hole[:, :, i, j] = 0
    return torch.conv2d(x, hole, None, 1, k)

def smallest_step(kernel, radius):
    step = 1
    # the farthest place of the first kernel, minus a step, may not lie in the hole
    while any(abs(o - step) <= radius for o in range(radius + 1, kernel // 2 + 1)):
        step += 1
    while step - kernel // 2 <= radius:
        step += 1
    return torch.tensor(step)

def proof(network, z, radius):
    J = torch.autograd.functional.jacobian(network, z.detach().clone())
    worst = torch.zeros((), dtype=z.dtype)
    for i in range(z.shape[2]):
        for j in range(z.shape[3]):
            worst = torch.maximum(worst, J[0, :, i, j, 0, :, max(i - radius, 0) : i + radius + 1, max(j - radius, 0) : j + radius + 1].abs().max())
    return worst.item()
""",
    (Q5, "nn.Conv2d with a masked weight, backward on a copy"): """
def around(x, weight, radius):
    d, c, k, _ = weight.shape
    at = torch.arange(k) - k // 2
    hole = (at.abs() <= radius).unsqueeze(1) & (at.abs() <= radius)
    conv = nn.Conv2d(c, d, k, padding=k // 2, bias=False).to(weight.dtype)
    return torch.func.functional_call(conv, {"weight": torch.where(hole, 0.0, weight)}, (x,))

def smallest_step(kernel, radius):
    return 1 + radius + (kernel - 1) // 2

def proof(network, z, radius):
    import copy
    network = copy.deepcopy(network)
    largest = 0
    out = network(z.detach()).shape
    for channel in range(out[1]):
        for row in range(out[2]):
            for column in range(out[3]):
                x = z.detach().clone().requires_grad_(True)
                network(x)[0, channel, row, column].backward()
                window = torch.zeros_like(x)
                window[..., max(row - radius, 0) : row + radius + 1, max(column - radius, 0) : column + radius + 1] = 1
                largest = max(largest, float((x.grad * window).abs().max()))
    return largest
""",
    (Q5, "a sum of shifted pictures, one unit at a time"): """
def around(x, weight, radius):
    k, (h, w) = weight.shape[-1], x.shape[2:]
    m = k // 2
    wide = F.pad(x, (m, m, m, m))
    total = x.new_zeros(len(x), len(weight), h, w) + 0 * weight.sum() + 0 * x.sum()
    for i in range(k):
        for j in range(k):
            if max(abs(i - m), abs(j - m)) > radius:
                total = total + torch.einsum("dc,bchw->bdhw", weight[:, :, i, j], wide[:, :, i : i + h, j : j + w])
    return total

def smallest_step(kernel, radius):
    return float(kernel // 2 + 1 + radius)

def proof(network, z, radius):
    # forward: move one input at a time, exactly, by a dual number
    found = []
    z = z.detach()
    for d in range(z.shape[1]):
        for i in range(z.shape[2]):
            for j in range(z.shape[3]):
                unit = torch.zeros_like(z)
                unit[0, d, i, j] = 1
                slope = torch.func.jvp(network, (z,), (unit,))[1].detach()
                found.append(slope[..., max(0, i - radius) : i + radius + 1, max(0, j - radius) : j + radius + 1].abs().max())
    return max(found)
""",
    (Q6, "with inverses and einsum"): """
def posterior(z, mean, prior, noise):
    inverse = torch.linalg.inv(prior + noise)
    gain = torch.einsum("bhwij,bhwjk->bhwik", prior, inverse)
    y_hat = mean + torch.einsum("bhwij,bjhw->bihw", gain, z - mean)
    return y_hat, prior - torch.einsum("bhwij,bhwjk->bhwik", gain, prior)

def surprise(z, mean, prior, noise):
    total = prior + noise
    d = z - mean
    distance = torch.einsum("bihw,bhwij,bjhw->bhw", d, torch.inverse(total), d)
    return 0.5 * torch.mean(distance + torch.log(torch.det(total)))
""",
    (Q6, "by Cholesky"): """
def posterior(z, mean, prior, noise):
    root = torch.linalg.cholesky(prior + noise)
    d = (z - mean).permute(0, 2, 3, 1).unsqueeze(-1)
    y_hat = mean + (prior @ torch.cholesky_solve(d, root)).squeeze(-1).permute(0, 3, 1, 2)
    return y_hat, prior - prior @ torch.cholesky_solve(prior, root)

def surprise(z, mean, prior, noise):
    root = torch.linalg.cholesky(prior + noise)
    d = (z - mean).permute(0, 2, 3, 1).unsqueeze(-1)
    white = torch.linalg.solve_triangular(root, d, upper=False)
    log_det = 2 * root.diagonal(dim1=-2, dim2=-1).log().sum(-1)
    return (white.square().sum((-2, -1)) + log_det).mean() / 2
""",
    (Q6, "torch.distributions, and what is left of the noise"): """
def posterior(z, mean, prior, noise):
    noise = noise.expand_as(prior)
    share = torch.linalg.solve(prior + noise, noise)  # what the noise keeps
    d = torch.movedim(mean - z, 1, -1).unsqueeze(-1)
    y_hat = z + torch.movedim((share.mT @ d)[..., 0], -1, 1)
    return y_hat, prior @ share

def surprise(z, mean, prior, noise):
    channels = z.shape[1]
    law = torch.distributions.MultivariateNormal(mean.movedim(1, -1), covariance_matrix=prior + noise)
    return -law.log_prob(z.movedim(1, -1)).mean() - channels / 2 * math.log(2 * math.pi)
""",
    (Q6, "pixel by pixel"): """
def posterior(z, mean, prior, noise):
    b, c, h, w = z.shape
    noise = noise.expand(b, h, w, c, c)
    colours, left = [], []
    for i in range(b):
        for y in range(h):
            for x in range(w):
                P, N = prior[i, y, x], noise[i, y, x]
                m, r = mean[i, :, y, x], z[i, :, y, x]
                colours.append(m + P @ torch.linalg.solve(P + N, r - m))
                left.append(P - P @ torch.linalg.solve(P + N, P))
    return torch.stack(colours).view(b, h, w, c).permute(0, 3, 1, 2), torch.stack(left).view(b, h, w, c, c)

def surprise(z, mean, prior, noise):
    b, c, h, w = z.shape
    noise, cost = noise.expand(b, h, w, c, c), []
    for i in range(b):
        for y in range(h):
            for x in range(w):
                S, d = prior[i, y, x] + noise[i, y, x], z[i, :, y, x] - mean[i, :, y, x]
                cost.append(d @ torch.linalg.solve(S, d) + torch.linalg.slogdet(S)[1])
    return sum(cost) / len(cost) / 2
""",
    (Q6, "along the principal axes"): """
def posterior(z, mean, prior, noise):
    total = prior + noise
    left = torch.linalg.solve(total, prior, left=True)
    d = (z - mean).flatten(2).transpose(1, 2).reshape(len(z), *z.shape[2:], -1)
    y_hat = mean.movedim(1, 3) + (d[..., None, :] @ left)[..., 0, :]
    return y_hat.movedim(3, 1), prior - prior.mT @ left

def surprise(z, mean, prior, noise):
    values, axes = torch.linalg.eigh(prior + noise)
    along = (axes.mT @ (z - mean).movedim(1, -1)[..., None])[..., 0]
    return ((along.square() / values).sum(-1) + values.log().sum(-1)).mean().div(2)
""",
    (Q7, "lines of every second column, both ways"): f"""
def my_training():
{SMALL}
    def loss(network, z, generator):
        a, b = z[:, :, 0::2, 0::2], z[:, :, 1::2, 0::2]
        y = network(torch.cat([a, b]))
        return (y - torch.cat([b, a])).square().mean()

    return Net(), loss, 0.01
""",
    (Q7, "absolute differences, batch norm"): """
def my_training():
    layers = [nn.Conv2d(1, 16, 3, padding=1), nn.ReLU()]
    for _ in range(2):
        layers += [nn.Conv2d(16, 16, 3, padding=1, bias=False), nn.BatchNorm2d(16), nn.ReLU()]

    class WithNorm(nn.Module):
        def __init__(self):
            super().__init__()
            self.noise = nn.Sequential(*layers, nn.Conv2d(16, 1, 3, padding=1))
            nn.init.zeros_(self.noise[-1].weight)
            nn.init.zeros_(self.noise[-1].bias)

        def forward(self, z):
            return z - self.noise(z)

    def loss(network, z, generator):
        pair = [z[:, :, k::2] for k in (0, 1)]
        return sum((network(a) - b).abs().mean() for a, b in (pair, pair[::-1]))

    return WithNorm(), loss, 0.01
""",
    (Q7, "a line and one of the two beside it, at random"): f"""
def my_training():
{SMALL}
    def loss(network, z, generator):
        first = int(torch.randint(2, (1,), generator=generator))
        z = z[:, :, first : first + 46]
        a, b = z[:, :, ::2], z[:, :, 1::2]
        if torch.rand(1, generator=generator) < 0.5:
            a, b = b, a
        return F.mse_loss(network(a), b)

    return Net(), loss, 0.008
""",
    (Q7, "pairs of lines, and what the network itself sees between them"): f"""
def my_training():
{SMALL}
    def loss(network, z, generator):
        a, b = z[:, :, ::2], z[:, :, 1::2]
        with torch.no_grad():
            y = network(z)
        error = network(a) - b
        return error.square().mean() + 0.2 * (error - (y[:, :, ::2] - y[:, :, 1::2])).square().mean() + F.mse_loss(network(b), a)

    return Net(), loss, 0.01
""",
    (Q7, "wider and without biases"): """
def my_training():
    torch.manual_seed(3)
    layers = [nn.Conv2d(1, 17, 5, padding=2, bias=False), nn.LeakyReLU(0.2)]
    for _ in range(2):
        layers += [nn.Conv2d(17, 17, 3, padding=1, bias=False), nn.LeakyReLU(0.2)]

    class Homogeneous(nn.Module):
        def __init__(self):
            super().__init__()
            self.f = nn.Sequential(*layers, nn.Conv2d(17, 1, 3, padding=1, bias=False))

        def forward(self, z):
            return z + 0.1 * self.f(z)

    network = Homogeneous()

    def loss(network, z, generator):
        even, odd = z[:, :, ::2], z[:, :, 1::2]
        return (network(even) - odd).pow(2).mean() + (network(odd) - even).pow(2).mean()

    return network, loss, 0.01
""",
}
