"""Right answers to the questions on receptive fields, written as differently as people write: every one keeps its points."""

Q1, Q2, Q3, Q4, Q5, Q6, Q7 = (f"receptive_fields-{i}" for i in range(1, 8))

RIGHT = {
    (Q1, "sums and products"): """
def field(layers):
    jumps = [math.prod(s for _, s, _ in layers[:i]) for i in range(len(layers) + 1)]
    return [1 + sum((k - 1) * d * j for (k, _, d), j in zip(layers, jumps)), jumps[-1]]

def layers_needed(side):
    return side // 2
""",
    (Q2, "asks the gradient, in numpy numbers"): """
def seen(layers, i, n):
    x = torch.zeros(1, 1, n, dtype=torch.float64, requires_grad=True)
    y = x
    for k, s, d, p in layers:
        y = F.conv1d(y, torch.ones(1, 1, k, dtype=torch.float64), None, s, p, d)
    y[0, 0, i].backward()
    return x.grad[0, 0].nonzero().flatten().numpy()
""",
    (Q3, "a copy whose weights are ones"): """
def paths(network, size, at):
    wires = nn.Sequential(*(m for m in copy.deepcopy(network).double().modules() if isinstance(m, nn.Conv2d)))
    for wire in wires:
        wire.weight.data.fill_(1)
    x = torch.rand(1, wires[0].in_channels, size, size, dtype=torch.float64, requires_grad=True)
    wires(x).sum(1)[0][at].backward()
    return x.grad.sum((0, 1))
""",
    (Q4, "one picture after the other; moments by einsum"): """
def effective(network, x):
    before, total = [m.training for m in network.modules()], 0
    network.train(False)
    for one in x:
        one = one[None].clone().requires_grad_(True)
        y = network(one).sum(1)[0]
        total = total + torch.autograd.grad(y[len(y) // 2, y.shape[1] // 2], one)[0][0].pow(2).sum(0)
    for m, mode in zip(network.modules(), before):
        m.training = mode
    return total / total.sum()

def gaussian_fit(share):
    i, j = torch.arange(share.shape[0]).double(), torch.arange(share.shape[1]).double()
    share = share.double()
    r, c = torch.einsum("ij,i->", share, i), torch.einsum("ij,j->", share, j)
    v = torch.einsum("ij,i->", share, (i - r) ** 2) + torch.einsum("ij,j->", share, (j - c) ** 2)
    return r, c, (v / 2) ** 0.5
""",
    (Q5, "numpy's line"): """
def power_law(n, r):
    import numpy as np
    x, y = np.log10(n), np.log10(r)
    (a, b), left, *_ = np.polyfit(x, y, 1, full=True)
    left = float(((y - a * x - b) ** 2).sum())
    return a, math.sqrt(left / (len(n) - 2) / (np.var(x) * len(n)))
""",
    (Q6, "loops, and the library's matrix"): """
def twins(image, top, left, block, count):
    from course_lib.receptive_fields import haar_matrix
    at = lambda r, c: image[r : r + block, c : c + block]
    places = [(r, c) for r in range(image.shape[0] - block + 1) for c in range(image.shape[1] - block + 1)]
    return sorted(places, key=lambda p: (at(*p) - at(top, left)).pow(2).sum().item())[:count]

def filter_group(group, tau):
    from course_lib.receptive_fields import haar_matrix
    h = haar_matrix(len(group))
    q = h @ group
    small = q.abs() < tau
    small[0] = False
    return h.T @ q.masked_fill(small, 0)
""",
    (Q7, "two wide kernels"): """
def my_plan():
    return [[9, 1, 6], [9, 9, 1]]
""",
    (Q1, "numpy's integers"): """
def field(layers):
    import numpy as np
    k, s, d = np.array(layers, dtype=int).reshape(-1, 3).T
    jumps = np.concatenate([[1], np.cumprod(s)]).astype(int)
    return int(1 + ((k - 1) * d * jumps[:-1]).sum()), int(jumps[-1])

def layers_needed(side):
    return -((1 - side) // 2)
""",
    (Q1, "it calls itself"): """
def field(layers):
    if not layers:
        return 1, 1
    *before, (kernel, stride, dilation) = layers
    side, jump = field(before)
    return side + (kernel - 1) * dilation * jump, jump * stride

def layers_needed(side):
    n = 0
    while 2 * n + 1 < side:
        n += 1
    return n
""",
    (Q1, "from the last layer to the first"): """
def field(layers):
    side = jump = 1
    for k, s, d in reversed(layers):
        side = (side - 1) * s + (k - 1) * d + 1
        jump = jump * s
    return [side, jump]

def layers_needed(side):
    return int(math.ceil((side - 1) / 2))
""",
    (Q2, "a matrix of wires for every layer"): """
def seen(layers, i, n):
    reach = torch.eye(n, dtype=torch.bool)
    for k, s, d, p in layers:
        m = (len(reach) + 2 * p - d * (k - 1) - 1) // s + 1
        rows = torch.zeros(m, n, dtype=torch.bool)
        for o in range(m):
            for t in range(k):
                at = o * s - p + t * d
                if 0 <= at < len(reach):
                    rows[o] |= reach[at]
        reach = rows
    return reach[i].nonzero().flatten().tolist()
""",
    (Q2, "it calls itself"): """
def seen(layers, i, n):
    lengths = [n]
    for k, s, d, p in layers:
        lengths += [(lengths[-1] + 2 * p - d * (k - 1) - 1) // s + 1]

    def back(depth, pixel):
        if depth == 0:
            return {pixel}
        k, s, d, p = layers[depth - 1]
        found = set()
        for at in range(pixel * s - p, pixel * s - p + k * d, d):
            if 0 <= at < lengths[depth - 1]:
                found |= back(depth - 1, at)
        return found

    return sorted(back(len(layers), i))
""",
    (Q2, "forwards, carrying sets, as a tuple"): """
def seen(layers, i, n):
    known = [frozenset([j]) for j in range(n)]
    for k, s, d, p in layers:
        padded = [frozenset()] * p + known + [frozenset()] * p
        known = [frozenset().union(*padded[o : o + d * (k - 1) + 1 : d]) for o in range(0, len(padded) - d * (k - 1), s)]
    return tuple(sorted(known[i]))
""",
    (Q3, "backwards by transposed convolutions"): """
def paths(network, size, at):
    layers = [m for m in network.modules() if isinstance(m, nn.Conv2d)]
    shapes, x = [], torch.zeros(1, layers[0].in_channels, size, size, dtype=torch.float64)
    for m in layers:
        shapes.append(x.shape)
        x = F.conv2d(x, torch.ones_like(m.weight, dtype=torch.float64), None, m.stride, m.padding, m.dilation, m.groups)
    ways = torch.zeros_like(x)
    ways[0, :, at[0], at[1]] = 1
    for m, shape in zip(layers[::-1], shapes[::-1]):
        weight = torch.ones_like(m.weight, dtype=torch.float64)
        ways = torch.nn.grad.conv2d_input(shape, weight, ways, m.stride, m.padding, m.dilation, m.groups)
    return ways.sum((0, 1))
""",
    (Q3, "a jacobian"): """
def paths(network, size, at):
    convs = [m for m in network.modules() if type(m) is nn.Conv2d]

    def ways(x):
        for m in convs:
            x = F.conv2d(x, torch.full(m.weight.shape, 1.0, dtype=x.dtype), stride=m.stride, padding=m.padding, dilation=m.dilation, groups=m.groups)
        return x[0, :, at[0], at[1]].sum()

    x = torch.zeros(1, convs[0].in_channels, size, size, dtype=torch.double)
    return torch.autograd.functional.jacobian(ways, x).sum(dim=(0, 1)).detach()
""",
    (Q3, "fresh layers of ones"): """
def paths(network, size, at):
    made = []
    for m in network.modules():
        if isinstance(m, nn.Conv2d):
            new = nn.Conv2d(m.in_channels, m.out_channels, m.kernel_size, m.stride, m.padding, m.dilation, m.groups, bias=False)
            made.append(nn.init.ones_(new.double().weight) is not None and new)
    x = torch.ones(1, made[0].in_channels, size, size).double().requires_grad_()
    y = nn.Sequential(*made)(x)
    y[:, :, at[0], at[1]].sum().backward()
    return x.grad.squeeze(0).sum(0)
""",
    (Q4, "a backward pass on a copy of the network"): """
def effective(network, x):
    net = copy.deepcopy(network).eval().requires_grad_(False)
    x = x.detach().clone().requires_grad_(True)
    y = net(x)
    seed = torch.zeros_like(y)
    seed[:, :, y.shape[-2] // 2, y.shape[-1] // 2] = 1
    y.backward(seed)
    m = (x.grad**2).sum(dim=1).mean(dim=0)
    return m.div_(m.sum())

def gaussian_fit(share):
    rows, columns = share.sum(1), share.sum(0)
    def moments(p):
        k = torch.arange(len(p)).to(p)
        mean = (k * p).sum()
        return mean, (k**2 * p).sum() - mean**2
    (r, vr), (c, vc) = moments(rows), moments(columns)
    return r.item(), c.item(), math.sqrt((vr.item() + vc.item()) / 2)
""",
    (Q4, "functional_call"): """
def effective(network, x):
    was = {m: m.training for m in network.modules()}
    network.eval()
    try:
        frozen = {k: v.detach() for k, v in network.state_dict().items()}
        image = x.detach().requires_grad_(True)
        y = torch.func.functional_call(network, frozen, (image,))
        g = torch.autograd.grad(y[..., y.size(2) // 2, y.size(3) // 2].sum(), image)[0]
    finally:
        for m, mode in was.items():
            m.training = mode
    e = torch.einsum("bchw,bchw->hw", g, g)
    return e / e.sum()

def gaussian_fit(share):
    h, w = share.shape
    i, j = torch.meshgrid(torch.arange(h).float(), torch.arange(w).float(), indexing="ij")
    r, c = (share * i).sum(), (share * j).sum()
    var = (share * ((i - r) ** 2 + (j - c) ** 2)).sum() / 2
    return tuple(v.item() for v in (r, c, var.sqrt()))
""",
    (Q4, "numpy for the fit"): """
def effective(network, x):
    modes = [(m, m.training) for m in network.children()], network.training
    network.eval()
    z = x.clone().detach()
    z.requires_grad = True
    with torch.enable_grad():
        out = network(z)
        target = out[:, :, out.shape[2] // 2, out.shape[3] // 2].sum()
    grad = torch.autograd.grad(target, [z])[0].detach()
    network.train(modes[1])
    for m, mode in modes[0]:
        m.train(mode)
    power = grad.pow(2).flatten(0, 1).mean(0)
    return power / torch.sum(power)

def gaussian_fit(share):
    import numpy as np
    s = share.numpy().astype(float)
    r, c = np.arange(s.shape[0]), np.arange(s.shape[1])
    mr, mc = s.sum(1) @ r, s.sum(0) @ c
    return mr, mc, np.sqrt((s.sum(1) @ (r - mr) ** 2 + s.sum(0) @ (c - mc) ** 2) / 2)
""",
    (Q5, "scipy's line"): """
def power_law(n, r):
    from scipy.stats import linregress
    line = linregress([math.log(v) for v in n], [math.log(v) for v in r])
    return line.slope, line.stderr
""",
    (Q5, "in plain Python"): """
def power_law(n, r):
    x, y = [math.log(v) for v in n], [math.log(v) for v in r]
    m = len(x)
    mx, my = sum(x) / m, sum(y) / m
    sxx = sum((a - mx) ** 2 for a in x)
    slope = sum((a - mx) * (b - my) for a, b in zip(x, y)) / sxx
    rest = sum((b - my - slope * (a - mx)) ** 2 for a, b in zip(x, y))
    return slope, (rest / (m - 2) / sxx) ** 0.5
""",
    (Q5, "least squares with a column of ones"): """
def power_law(n, r):
    x, y = (torch.tensor(v, dtype=torch.float64).log2() for v in (n, r))
    A = torch.stack([x, torch.ones_like(x)], 1)
    fit = torch.linalg.lstsq(A, y[:, None]).solution[:, 0]
    e = y - A @ fit
    covariance = torch.linalg.inv(A.T @ A) * (e @ e) / (len(x) - 2)
    return fit[0], covariance[0, 0].clamp(min=0).sqrt()
""",
    (Q6, "argsort, and a loop for Haar"): """
def twins(image, top, left, block, count):
    blocks = image.unfold(0, block, 1).unfold(1, block, 1).flatten(2)
    d = (blocks - blocks[top, left]).pow(2).sum(-1)
    order = d.flatten().argsort(stable=True)[:count]
    return [(int(k) // d.shape[1], int(k) % d.shape[1]) for k in order]

def filter_group(group, tau):
    sums, kept = group, []
    while len(sums) > 1:
        a, b = sums[::2], sums[1::2]
        d = (a - b) / math.sqrt(2)
        kept.append(torch.where(d.abs() < tau, torch.zeros_like(d), d))
        sums = (a + b) / math.sqrt(2)
    for d in reversed(kept):
        a, b = (sums + d) / math.sqrt(2), (sums - d) / math.sqrt(2)
        sums = torch.stack((a, b), 1).reshape(-1, group.shape[1])
    return sums
""",
    (Q6, "numpy, and a matrix that is built"): """
def twins(image, top, left, block, count):
    import numpy as np
    from numpy.lib.stride_tricks import sliding_window_view
    b = sliding_window_view(image.detach().numpy().astype(np.float64), (block, block))
    d = ((b - b[top, left]) ** 2).sum((2, 3))
    return list(zip(*np.unravel_index(np.argsort(d, axis=None, kind="stable")[:count], d.shape)))

def filter_group(group, tau):
    def haar(n):
        if n == 1:
            return torch.ones(1, 1)
        h = haar(n // 2)
        return torch.cat([torch.kron(h, torch.tensor([[1.0, 1.0]])), torch.kron(torch.eye(n // 2), torch.tensor([[1.0, -1.0]]))]) / 2**0.5
    h = haar(len(group))
    c = h @ group
    keep = (c.abs() >= tau) | (torch.arange(len(group)) == 0)[:, None]
    return h.T @ (c * keep)
""",
    (Q6, "a pass for each offset"): """
def twins(image, top, left, block, count):
    mine = image[top : top + block, left : left + block]
    rows, columns = image.shape[0] - block + 1, image.shape[1] - block + 1
    d = torch.zeros(rows, columns)
    for i in range(block):
        for j in range(block):
            d += (image[i : i + rows, j : j + columns] - mine[i, j]).square()
    values, places = torch.sort(d.flatten(), stable=True)
    return [divmod(int(p), columns) for p in places[:count]]

def filter_group(group, tau):
    n = group.shape[0]
    if n == 1:
        return group.clone()
    pairs = group.unflatten(0, (n // 2, 2))
    s, d = pairs.sum(1) / 2**0.5, (pairs[:, 0] - pairs[:, 1]) / 2**0.5
    d = d.masked_fill(d.abs() < tau, 0)
    s = filter_group(s, tau)
    return torch.cat([s + d, s - d], 1).reshape(n, -1) / 2**0.5
""",
    (Q7, "small dilations first"): """
def my_plan():
    return [(3, 1, 5), (3, 3, 5), (3, 9, 5), (3, 27, 5)]
""",
    (Q7, "tensors for numbers"): """
def my_plan():
    return torch.tensor([[5, 20, 4], [5, 5, 4], [5, 1, 2]])
""",
    (Q7, "a generator of lists"): """
def my_plan():
    return ([k, d, w] for k, d, w in ((9, 9, 6), (9, 1, 1)))
""",
    (Q1, "reduce, and shifts of bits"): """
from functools import reduce

def field(layers):
    return reduce(lambda now, l: (now[0] + (l[0] - 1) * l[2] * now[1], now[1] * l[1]), layers, (1, 1))

def layers_needed(side):
    return side >> 1
""",
    (Q1, "tensors of whole numbers"): """
def field(layers):
    k, s, d = torch.tensor(layers, dtype=torch.long).reshape(-1, 3).T
    jumps = torch.cumprod(torch.cat([torch.ones(1, dtype=torch.long), s]), 0)
    return 1 + ((k - 1) * d * jumps[:-1]).sum(), jumps[-1]

def layers_needed(side):
    n = 0
    while 1 + 2 * n < side:
        n += 1
    return n
""",
    (Q2, "boolean matrices"): """
def seen(layers, i, n):
    import numpy as np
    wires = np.eye(n, dtype=int)
    for k, s, d, p in layers:
        m = wires.shape[0]
        out = (m + 2 * p - d * (k - 1) - 1) // s + 1
        one = np.zeros((max(out, 0), m), dtype=int)
        for o in range(out):
            for t in range(k):
                at = o * s - p + t * d
                if 0 <= at < m:
                    one[o, at] = 1
        wires = np.minimum(one @ wires, 1)
    return np.flatnonzero(wires[i])
""",
    (Q2, "tensors, unique"): """
def seen(layers, i, n):
    ends = [n]
    for k, s, d, p in layers:
        ends.append((ends[-1] + 2 * p - d * (k - 1) - 1) // s + 1)
    at = torch.tensor([i])
    for (k, s, d, p), end in zip(layers[::-1], ends[-2::-1]):
        at = (at[:, None] * s - p + d * torch.arange(k)).unique()
        at = at[(at >= 0) & (at < end)]
    return at.tolist()
""",
    (Q3, "forward by transposed one-hot"): """
def paths(network, size, at):
    convs = [m for m in network.modules() if type(m) is nn.Conv2d]
    f = lambda x: x
    def run(x):
        for m in convs:
            x = torch.conv2d(x, torch.ones_like(m.weight, dtype=torch.float64), stride=m.stride, padding=m.padding, dilation=m.dilation, groups=m.groups)
        return x[0, :, at[0], at[1]].sum()
    return torch.func.grad(run)(torch.zeros(1, convs[0].in_channels, size, size).double())[0].sum(0)
""",
    (Q3, "a copy in double, hooks"): """
def paths(network, size, at):
    twin = copy.deepcopy(network).double()
    twin = nn.Sequential(*[m for m in twin.modules() if isinstance(m, nn.Conv2d)])
    for p in twin.parameters():
        p.data.fill_(1)
        p.requires_grad_(False)
    x = torch.ones(1, twin[0].in_channels, size, size, dtype=torch.double, requires_grad=True)
    twin(x)[0, :, at[0], at[1]].sum().backward()
    return x.grad.sum((0, 1))
""",
    (Q4, "func.grad, modes one by one; outer moments"): """
def effective(network, x):
    modes = {m: m.training for m in network.modules()}
    network.eval()
    def middle(z):
        out = network(z)
        return out[:, :, out.shape[2] // 2, out.shape[3] // 2].sum()
    g = torch.func.grad(middle)(x.detach())
    for m, mode in modes.items():
        m.training = mode
    e = torch.einsum('bchw,bchw->hw', g, g)
    return e / e.sum()

def gaussian_fit(share):
    h, w = share.shape
    r, c = torch.meshgrid(torch.arange(h).double(), torch.arange(w).double(), indexing='ij')
    s = share.double()
    mr, mc = (s * r).sum(), (s * c).sum()
    v = (s * ((r - mr) ** 2 + (c - mc) ** 2)).sum() / 2
    return mr.item(), mc.item(), math.sqrt(v)
""",
    (Q4, "a copy; numpy's average"): """
def effective(network, x):
    twin = copy.deepcopy(network).eval()
    z = x.clone().detach().requires_grad_(True)
    y = twin(z)
    seed = torch.zeros_like(y)
    seed[:, :, y.size(2) // 2, y.size(3) // 2] = 1
    y.backward(seed)
    m = (z.grad ** 2).mean(dim=1).mean(dim=0)
    return m.div_(m.sum())

def gaussian_fit(share):
    import numpy as np
    p = share.detach().numpy().astype(float)
    rows, cols = np.arange(p.shape[0]), np.arange(p.shape[1])
    r, c = np.average(rows, weights=p.sum(1)), np.average(cols, weights=p.sum(0))
    v = (np.average((rows - r) ** 2, weights=p.sum(1)) + np.average((cols - c) ** 2, weights=p.sum(0))) / 2
    return r, c, v**0.5
""",
    (Q5, "covariances; lstsq of numpy"): """
def power_law(n, r):
    import numpy as np
    x, y = np.log(n), np.log(r)
    (a, b), rest, *_ = np.linalg.lstsq(np.stack([x, np.ones_like(x)], 1), y, rcond=None)
    e = y - a * x - b
    return a, np.sqrt((e @ e) / (len(x) - 2) / np.var(x) / len(x))
""",
    (Q5, "statistics, logarithms to base 2"): """
def power_law(n, r):
    from statistics import linear_regression
    x, y = [math.log2(v) for v in n], [math.log2(v) for v in r]
    a, b = linear_regression(x, y)
    m = sum(x) / len(x)
    left = sum((v - a * u - b) ** 2 for u, v in zip(x, y))
    return a, (left / (len(x) - 2) / sum((u - m) ** 2 for u in x)) ** 0.5
""",
    (Q6, "unfold of torch.nn, levels in place"): """
def twins(image, top, left, block, count):
    h, w = (n - block + 1 for n in image.shape)
    columns = F.unfold(image[None, None], block)[0].T
    d = (columns - columns[top * w + left]).pow(2).sum(1)
    return [(int(i) // w, int(i) % w) for i in torch.argsort(d, stable=True)[:count]]

def filter_group(group, tau):
    levels, s = [], group
    while len(s) > 1:
        levels.append((s[0::2] - s[1::2]) * 0.5**0.5)
        s = (s[0::2] + s[1::2]) * 0.5**0.5
    for d in reversed(levels):
        d = torch.where(d.abs() < tau, torch.zeros_like(d), d)
        s = torch.stack([s + d, s - d], 1).reshape(-1, group.shape[1]) * 0.5**0.5
    return s
""",
    (Q6, "a matrix by kron, heapq"): """
def twins(image, top, left, block, count):
    from heapq import nsmallest
    h, w = image.shape
    me = image[top : top + block, left : left + block]
    all_of_them = [(r, c) for r in range(h - block + 1) for c in range(w - block + 1)]
    return nsmallest(count, all_of_them, key=lambda p: ((image[p[0] : p[0] + block, p[1] : p[1] + block] - me) ** 2).sum().item())

def filter_group(group, tau):
    H = torch.ones(1, 1, dtype=group.dtype)
    while len(H) < len(group):
        n = len(H)
        H = torch.cat([torch.kron(H, torch.tensor([[1.0, 1.0]])), torch.kron(torch.eye(n), torch.tensor([[1.0, -1.0]]))]) / 2**0.5
    c = H @ group
    keep = (c.abs() >= tau).to(c.dtype)
    keep[0] = 1
    return H.T @ (c * keep)
""",
    (Q7, "a few taps far apart, and then brute force"): """
def my_plan():
    return [(5, 6, 1), (31, 1, 1)]
""",
}
