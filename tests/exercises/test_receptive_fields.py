"""The questions on receptive fields: right answers of every kind get their points, wrong ones do not.

As for denoising: a wrong answer is the master's with one thing changed.
"""

import pytest
from variants import gets_its_points, gets_no_points

NAME = "receptive_fields"
Q1, Q2, Q3, Q4, Q5, Q6, Q7 = (f"{NAME}-{i}" for i in range(1, 8))

# (question, what is wrong) -> (old, new) in the master's answer
WRONG = {
    (Q1, "adds whole kernels"): ("(kernel - 1)", "kernel"),
    (Q1, "forgets the dilation"): (" * dilation", ""),
    (Q1, "forgets the jump"): ("dilation * jump", "dilation"),
    (Q1, "jumps add up"): ("jump *= stride", "jump += stride - 1"),
    (Q1, "a stride widens its own layer"): (
        "        side += (kernel - 1) * dilation * jump\n        jump *= stride",
        "        jump *= stride\n        side += (kernel - 1) * dilation * jump",
    ),
    (Q1, "forgets the stride"): ("jump *= stride", "pass"),
    (Q1, "one layer too few for even sides"): ("math.ceil((side - 1) / 2)", "(side - 1) // 2"),
    (Q1, "halves the side"): ("math.ceil((side - 1) / 2)", "side // 2 + 1"),
    (Q2, "walks forwards"): ("zip(reversed(layers), reversed(lengths[:-1]))", "zip(layers, lengths)"),
    (Q2, "cuts at the image alone"): (
        "if 0 <= pixel < length}",
        "}\n    pixels = {pixel for pixel in pixels if 0 <= pixel < n}",
    ),
    (Q2, "no border"): ("if 0 <= pixel < length", ""),
    (Q2, "no right border"): ("0 <= pixel < length", "0 <= pixel"),
    (Q2, "every volume as long as the image"): ("< length}", "< n}"),
    (Q2, "forgets the padding"): ("o * s - p + t * d", "o * s + t * d"),
    (Q2, "forgets the dilation"): ("t * d for", "t for"),
    (Q2, "forgets the stride"): ("o * s - p", "o - p"),
    (Q2, "no holes"): (
        "return sorted(pixels)",
        "return list(range(min(pixels), max(pixels) + 1)) if pixels else []",
    ),
    (Q3, "the network's own weights"): (
        "torch.ones(layer.weight.shape, dtype=torch.float64)",
        "layer.weight.double()",
    ),
    (Q3, "where, not how many"): ("return ways[0].sum(0)", "return (ways[0].sum(0) > 0).double()"),
    (Q3, "float32"): (
        "    return ways[0].sum(0)",
        "    return ways[0].sum(0).float().double()",
    ),
    (Q3, "one channel"): (
        "ones = torch.ones(layer.weight.shape,",
        "ones = 1 / len(layer.weight) * torch.ones(layer.weight.shape,",
    ),
    (Q3, "closed by ReLU"): (
        "volume = F.conv2d(",
        "volume = F.relu(volume) if volume is not image else volume\n        volume = F.conv2d(",
    ),
    (Q3, "ends in the first channel"): ("volume[0, :, at[0], at[1]]", "volume[0, 0, at[0], at[1]]"),
    (Q3, "starts in the first channel"): ("ways[0].sum(0)", "ways[0, 0]"),
    (Q3, "forgets the stride"): ("layer.stride", "1"),
    (Q3, "forgets the dilation"): ("layer.dilation", "1"),
    (Q3, "column, row"): ("at[0], at[1]", "at[1], at[0]"),
    (Q3, "only the outer sequence"): ("network.modules()", "network.children()"),
    (Q4, "absolute values"): ("gradient.square()", "gradient.abs()"),
    (Q4, "does not square"): ("gradient.square()", "gradient"),
    (Q4, "training mode"): ("network.eval()", "network.train()"),
    (Q4, "leaves it in evaluation mode"): ("network.train(was_training)", "pass"),
    (Q4, "not shares"): ("energy / energy.sum()", "energy"),
    (Q4, "the strongest is 1"): ("energy / energy.sum()", "energy / energy.max()"),
    (Q4, "the middle of the input"): (
        "out.shape[2] // 2, out.shape[3] // 2",
        "x.shape[2] // 2, x.shape[3] // 2",
    ),
    (Q4, "the first picture alone"): (".mean((0, 1))", "[0].mean(0)"),
    (Q4, "squares the mean"): ("gradient.square().mean((0, 1))", "gradient.mean((0, 1)).square()"),
    (Q4, "gradients in the parameters"): (
        "(gradient,) = torch.autograd.grad(out[:, :, out.shape[2] // 2, out.shape[3] // 2].sum(), image)",
        "out[:, :, out.shape[2] // 2, out.shape[3] // 2].sum().backward(); gradient = image.grad",
    ),
    (Q4, "the sum of the variances"): (".sum() / 2", ".sum()"),
    (Q4, "variance for sigma"): ("variance.sqrt().item()", "variance.item()"),
    (Q4, "the middle of the map for its centre"): (
        "(along * place).sum()",
        "torch.tensor((len(along) - 1) / 2)",
    ),
    (Q4, "column, row"): ("in (1, 0)", "in (0, 1)"),
    (Q5, "no logarithms"): (".log()", ""),
    (Q5, "the line through the other axis"): ("x.square().sum()\n    left", "y.square().sum()\n    left"),
    (Q5, "m instead of m - 2"): ("(len(n) - 2)", "len(n)"),
    (Q5, "m - 1 instead of m - 2"): ("(len(n) - 2)", "(len(n) - 1)"),
    (Q5, "the variance of the slope"): (".sqrt().item()", ".item()"),
    (Q5, "the spread of the points"): (" / x.square().sum()).sqrt()", ").sqrt()"),
    (Q5, "a line through the origin"): ("x, y = x - x.mean(), y - y.mean()", "pass"),
    (Q6, "absolute differences"): (".square().sum((2, 3))", ".abs().sum((2, 3))"),
    (Q6, "the least similar"): ("largest=False", "largest=True"),
    (Q6, "left, top"): ("divmod(place, distance.shape[1])", "divmod(place, distance.shape[1])[::-1]"),
    (Q6, "leaves out the last column"): (
        "squares = image.unfold(0, block, 1).unfold(1, block, 1)",
        "squares = image[:, :-1].unfold(0, block, 1).unfold(1, block, 1)",
    ),
    (Q6, "every second position"): ("unfold(1, block, 1)", "unfold(1, block, 2)"),
    (Q6, "without itself"): (
        "topk(count, largest=False).indices",
        "topk(count + 1, largest=False).indices[1:]",
    ),
    (Q6, "only neighbours"): ("total = filter_group(total, tau)", "pass"),
    (Q6, "shrinks the mean"): ("return group\n", "return group * (group.abs() >= tau)\n"),
    (Q6, "averages instead of sums"): (
        "(group[0::2] + group[1::2]) / 2**0.5, (group[0::2] - group[1::2]) / 2**0.5",
        "(group[0::2] + group[1::2]) / 2, (group[0::2] - group[1::2]) / 2",
    ),
    (Q6, "soft thresholding"): (
        "difference * (difference.abs() >= tau)",
        "difference.sign() * (difference.abs() - tau).clamp(min=0)",
    ),
    (Q6, "keeps the small ones"): (".abs() >= tau", ".abs() < tau"),
    (Q6, "halves for pairs"): ("dim=1).flatten(0, 1)", "dim=0).flatten(0, 1)"),
    (Q7, "plain layers"): (
        "return [(3, dilation, 5) for dilation in (27, 9, 3, 1)]",
        "return [(3, 1, 3)] * 13",
    ),
    (Q7, "less brute force"): (
        "return [(3, dilation, 5) for dilation in (27, 9, 3, 1)]",
        "return [(11, 1, 1)]",
    ),
    (Q7, "too many weights"): ("dilation, 5)", "dilation, 7)"),
    (Q7, "even kernels"): ("(3, dilation", "(4, dilation"),
    (Q7, "looks through a net curtain"): ("(27, 9, 3, 1)", "(27, 27, 27, 27)"),
    (Q7, "empty"): ("in (27, 9, 3, 1)", "in ()"),
}
HIDDEN_ONLY: set = set()  # what the visible asserts leave to the hidden values

# Other right answers, whole.
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
    before, total = network.training, 0
    network.train(False)
    for one in x:
        one = one[None].clone().requires_grad_(True)
        y = network(one).sum(1)[0]
        total = total + torch.autograd.grad(y[len(y) // 2, y.shape[1] // 2], one)[0][0].pow(2).sum(0)
    network.train(before)
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
}


@pytest.mark.parametrize(("question", "how"), WRONG, ids=[": ".join(w) for w in WRONG])
def test_a_wrong_answer_gets_no_points(question, how):
    gets_no_points(NAME, question, *WRONG[question, how], hidden_only=(question, how) in HIDDEN_ONLY)


@pytest.mark.parametrize(("question", "how"), RIGHT, ids=[": ".join(r) for r in RIGHT])
def test_another_right_answer_gets_its_points(question, how):
    gets_its_points(NAME, question, RIGHT[question, how])
