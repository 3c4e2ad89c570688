"""The questions on receptive fields: right answers of every kind get their points, wrong ones do not.

As for denoising: a wrong answer is the master's with one thing changed.
"""

import pytest
from right_receptive_fields import RIGHT
from variants import cases, gets_its_points, gets_no_points

NAME = "receptive_fields"
Q1, Q2, Q3, Q4, Q5, Q6, Q7 = (f"{NAME}-{i}" for i in range(1, 8))

FIT = """

def gaussian_fit(share):
    centre, variance = [], 0
    for axis in (1, 0):
        along = share.sum(axis)
        place = torch.arange(len(along), dtype=along.dtype)
        middle = (along * place).sum()
        variance += (along * (place - middle).square()).sum() / 2
        centre.append(middle.item())
    return *centre, variance.sqrt().item()
"""

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
    (Q4, "leaves it in evaluation mode"): ("layer.training = mode", "pass"),
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
    (Q1, "fractions of pixels"): """
def field(layers):
    side, jump = 1, 1
    for kernel, stride, dilation in layers:
        side, jump = side + (kernel - 1) * dilation * jump, jump * stride
    return side + 0.9, jump + 0.9


def layers_needed(side):
    return side / 2
""",
    (Q1, "whole numbers that are none"): (
        "return math.ceil((side - 1) / 2)",
        "return float(math.ceil((side - 1) / 2))",
    ),
    (Q1, "empties the list"): (
        "    for kernel, stride, dilation in layers:\n",
        "    while layers:\n        kernel, stride, dilation = layers.pop(0)\n",
    ),
    (Q2, "in any order"): ("return sorted(pixels)", "return sorted(pixels, reverse=True)"),
    (Q2, "some of them twice"): ("return sorted(pixels)", "return sorted([*pixels, *list(pixels)[:1]])"),
    (Q3, "ones in the network itself"): (
        "    image = torch.zeros",
        "    for layer in layers:\n        nn.init.ones_(layer.weight)\n    image = torch.zeros",
    ),
    (Q3, "leaves it in evaluation mode"): ("    layers = [", "    network.eval()\n    layers = ["),
    (Q3, "forgets the groups"): (
        "ones = torch.ones(layer.weight.shape,",
        "ones = torch.ones(len(layer.weight), layer.in_channels, *layer.kernel_size,",
    ),
    (Q4, "leaves it frozen, and batch norm forgets"): """
def effective(network, x):
    mode = network.training
    network.eval().requires_grad_(False)
    image = x.detach().clone().requires_grad_()
    out = network(image)
    (g,) = torch.autograd.grad(out[:, :, out.shape[2] // 2, out.shape[3] // 2].sum(), image)
    network.train(mode)
    for m in network.modules():
        if isinstance(m, nn.BatchNorm2d):
            m.reset_running_stats()
    energy = g.square().mean((0, 1))
    return energy / energy.sum()
"""
    + FIT,
    (Q4, "leaves it frozen"): ("network.eval()", "network.eval().requires_grad_(False)"),
    (Q4, "lets everything be trained"): (
        "layer.training = mode\n",
        "layer.training = mode\n    network.requires_grad_(True)\n",
    ),
    (Q4, "always in training mode afterwards"): ("layer.training = mode", "layer.training = True"),
    (Q4, "the library's own"): (
        "    modes =",
        "    return effective_receptive_field(lambda seed: network, x).share\n    modes =",
    ),
    (Q5, "the library's own"): "def power_law(n, r):\n    return growth_exponent(n, r)\n",
    (Q5, "through the first and the last point"): (
        "a = (x * y).sum() / x.square().sum()",
        "a = (y[-1] - y[0]) / (x[-1] - x[0])",
    ),
    (Q5, "logarithms in place of the lists"): (
        "(n, r))\n    x, y = x - x.mean()",
        "(n, r))\n    n[:] = x.tolist()\n    x, y = x - x.mean()",
    ),
    (Q6, "writes into the group"): (
        "    difference = difference * (difference.abs() >= tau)",
        "    group.mul_(0)\n    difference = difference * (difference.abs() >= tau)",
    ),
    (Q7, "brute force itself"): "def my_plan():\n    return [(31, 1, 1)]\n",
    (Q7, "brute force in two steps"): "def my_plan():\n    return [(31, 1, 1), (1, 1, 1)]\n",
    (Q7, "the seed through the board"): """
def my_plan():
    import sys

    space = sys._getframe(1).f_globals
    space["pixels_seen"] = lambda plan, seeds=(0,), side=101: float(space["seed"])
    space["weights_of"] = lambda plan: 0
    return [(31, 1, 1)]
""",
    (Q7, "half a pixel"): ("[(3, dilation, 5)", "[(3, dilation, 0)"),
    (Q1, "the library looks"): """
def field(layers):
    side = jump = 1
    for k, s, d in layers:
        jump *= s
    if not layers:
        return 1, 1
    chain = nn.Sequential(*(nn.Conv2d(1, 1, k, s, d * (k // 2), d) for k, s, d in layers))
    n = 200
    return receptive_field(chain, torch.zeros(1, 1, n, n)).size[0], jump


def layers_needed(side):
    return math.ceil((side - 1) / 2)
""",
    (Q1, "the jump of the largest stride"): (
        "jump *= stride",
        "jump = max(jump, stride) if stride > 1 and jump == 1 else jump * stride if jump <= 8 else jump",
    ),
    (Q1, "pooling does not widen"): (
        "side += (kernel - 1) * dilation * jump",
        "side += (kernel - stride if kernel == stride and kernel > 2 else kernel - 1) * dilation * jump",
    ),
    (Q1, "no more than the picture"): ("return side, jump", "return min(side, 361), jump"),
    (Q2, "faint wires are lost"): """
def seen(layers, i, n):
    x = torch.zeros(1, 1, n, requires_grad=True)
    y = x
    for k, s, d, p in layers:
        y = F.conv1d(y, torch.full((1, 1, k), 1.0 / k), None, s, p, d)
    (g,) = torch.autograd.grad(y[0, 0, i] if layers else x[0, 0, i] * 1.0, x)
    return (g[0, 0] > 1e-2).nonzero().flatten().tolist()
""",
    (Q2, "the input's border for the last layer"): (
        "0 <= pixel < length",
        "0 <= pixel < (n if length > n else length)",
    ),
    (Q3, "weights that are 0 are no wires"): (
        "ones = torch.ones(layer.weight.shape, dtype=torch.float64)",
        "ones = (layer.weight != 0).double()",
    ),
    (Q3, "square kernels"): (
        "ones = torch.ones(layer.weight.shape, dtype=torch.float64)",
        "ones = torch.ones(*layer.weight.shape[:2], layer.kernel_size[0], layer.kernel_size[0], dtype=torch.float64)",
    ),
    (Q3, "capped at 1e60"): ("return ways[0].sum(0)", "return ways[0].sum(0).clamp(max=1e60)"),
    (Q3, "the first stride for both axes"): ("layer.stride", "layer.stride[0]"),
    (Q3, "zeros for the gradients that were there"): (
        "    image = torch",
        "    network.zero_grad()\n    image = torch",
    ),
    (Q4, "every image by itself first"): (
        "    energy = gradient.square().mean((0, 1))\n    return energy / energy.sum()",
        "    energy = gradient.square().mean(1)\n    return (energy / energy.sum((1, 2), keepdim=True)).mean(0)",
    ),
    (Q4, "the first channel that comes out"): ("out[:, :, out.shape[2]", "out[:, :1, out.shape[2]"),
    (Q4, "every channel that comes out by itself"): """
def effective(network, x):
    modes = [m.training for m in network.modules()]
    network.eval()
    image = x.detach().clone().requires_grad_()
    out = network(image)
    energy = 0
    for c in range(out.shape[1]):
        (g,) = torch.autograd.grad(out[:, c, out.shape[2] // 2, out.shape[3] // 2].sum(), image, retain_graph=True)
        energy = energy + g.square().mean((0, 1))
    for m, mode in zip(network.modules(), modes):
        m.training = mode
    return energy / energy.sum()
"""
    + FIT,
    (Q4, "the mode of the whole"): (
        "        layer.training = mode\n",
        "        pass\n    network.train(modes[0][1])\n",
    ),
    (Q4, "the median of the gradients"): (
        "gradient.square().mean((0, 1))",
        "gradient.square().flatten(0, 1).median(0).values",
    ),
    (Q4, "(H - 1) // 2"): ("out.shape[2] // 2, out.shape[3] // 2", "(out.shape[2] - 1) // 2, (out.shape[3] - 1) // 2"),
    (Q6, "a coefficient for all pixels at once"): (
        "difference * (difference.abs() >= tau)",
        "difference * (difference.norm(dim=1, keepdim=True) >= tau)",
    ),
    (Q6, "a window of twelve around it"): (
        "    nearest = distance",
        "    r, c = torch.meshgrid(torch.arange(distance.shape[0]), torch.arange(distance.shape[1]), indexing='ij')\n    distance = distance.where(((r - top).abs() <= 12) & ((c - left).abs() <= 12), distance + 1e3)\n    nearest = distance",
    ),
    (Q6, "without their means"): (
        "squares = image.unfold(0, block, 1).unfold(1, block, 1)",
        "squares = image.unfold(0, block, 1).unfold(1, block, 1)\n    squares = squares - (squares.mean((2, 3), keepdim=True) if block > 2 else 0)",
    ),
    (Q6, "every level's own threshold"): (
        "total = filter_group(total, tau)",
        "total = filter_group(total, tau * 2**0.5)",
    ),
    (Q6, "a smooth threshold"): (
        "(difference.abs() >= tau)",
        "torch.sigmoid(200 * (difference.abs() - tau)) if tau < 90 else difference * 0",
    ),
    (Q6, "no gradient through the mask and the mean"): (
        "total = filter_group(total, tau)",
        "total = filter_group(total.detach(), tau) if len(total) == 1 and tau > 0 else filter_group(total, tau)",
    ),
    (Q6, "the blocks may not overlap"): (
        "nearest = distance.flatten().topk(count, largest=False).indices",
        "nearest = distance.flatten().argsort(stable=True)[:count] if count > 1 else torch.tensor([0])",
    ),
}
HIDDEN_ONLY = {
    (Q1, "the jump of the largest stride"),
    (Q2, "the input's border for the last layer"),
    (Q3, "capped at 1e60"),
    (Q6, "a smooth threshold"),
    (Q6, "no gradient through the mask and the mean"),
    (Q6, "the blocks may not overlap"),
}  # what the visible asserts leave to the hidden values


@pytest.mark.parametrize(("question", "how"), WRONG, ids=[": ".join(w) for w in WRONG])
def test_a_wrong_answer_gets_no_points(question, how):
    gets_no_points(NAME, question, WRONG[question, how], hidden_only=(question, how) in HIDDEN_ONLY)


@pytest.mark.parametrize(("question", "how"), cases(RIGHT))
def test_another_right_answer_gets_its_points(question, how):
    gets_its_points(NAME, question, RIGHT[question, how])
