"""The questions on learning from noise: right answers of every kind get their points, wrong ones do not.

As for denoising: a wrong answer is the master's with one thing changed.
"""

import pytest
from right_learning_from_noise import RIGHT
from variants import cases, gets_its_points, gets_no_points, wrong_cases

NAME = "learning_from_noise"
Q1, Q2, Q3, Q4, Q5, Q6, Q7 = (f"{NAME}-{i}" for i in range(1, 8))

CHEAPEST = "torch.where(cheapest, recordings, math.inf).amin(0)"
LOTS = "chosen = torch.rand(inside.shape, generator=generator).masked_fill(~inside, -1).argmax(-1, keepdim=True)"
PAIR = "F.mse_loss(network(upper), lower) + F.mse_loss(network(lower), upper)"
LINES = "upper, lower = z[:, :, ::2], z[:, :, 1::2]"
SLOPE = "(slope,) = torch.autograd.grad(y[0, channel, row, column], z, retain_graph=True)"

# (question, what is wrong) -> (old, new) in the master's answer
WRONG = {
    (Q1, "the mean for every loss"): ("if gamma == 2:", "if True:"),
    (Q1, "the median for every small gamma"): ("    cost =", "    return recordings.median(0).values\n    cost ="),
    (Q1, "the most frequent value"): (
        "    cost =",
        "    if gamma < 1:\n        return recordings.mode(0).values\n    cost =",
    ),
    (Q1, "the recording nearest to the mean"): (
        "(recordings[:, None] - recordings).abs().pow(gamma).sum(1)",
        "(recordings - recordings.mean(0)).abs()",
    ),
    (Q1, "the dearest"): ("cost.amin(0)", "cost.amax(0)"),
    (Q1, "of equal ones the largest"): (CHEAPEST, "torch.where(cheapest, recordings, -math.inf).amax(0)"),
    (Q1, "of equal ones their mean"): (CHEAPEST, "(cheapest * recordings).sum(0) / cheapest.sum(0)"),
    (Q1, "of equal ones the first"): (CHEAPEST, "recordings.gather(0, cost.argmin(0, keepdim=True))[0]"),
    (Q1, "one recording for all pixels"): (CHEAPEST, "recordings[cost.flatten(1).sum(1).argmin()].clone()"),
    (Q1, "no negative values"): (CHEAPEST, CHEAPEST + ".clamp(min=0)"),
    (Q1, "which, not what"): (CHEAPEST, "cost.argmin(0)"),
    (Q1, "single precision"): (CHEAPEST, CHEAPEST + ".float()"),
    (Q1, "the recording itself"): (
        "    if gamma == 2:",
        "    if len(recordings) == 1:\n        return recordings[0]\n    if gamma == 2:",
    ),
    (Q1, "sorts the recordings in place"): (
        "    if gamma == 2:",
        "    recordings.copy_(recordings.sort(0).values)\n    if gamma == 2:",
    ),
    (Q2, "the clamp of the mean"): (
        "return above_zero(y) - above_zero(y - 1)",
        "return y.clamp(0, 1) + 0 * above_zero(y)",
    ),
    (Q2, "cut below alone"): ("above_zero(y) - above_zero(y - 1)", "above_zero(y)"),
    (Q2, "cut above alone"): ("above_zero(y) - above_zero(y - 1)", "y - above_zero(y - 1)"),
    (Q2, "no bell curve"): (" + sigma * (-t.square() / 2).exp() / math.sqrt(2 * math.pi)", ""),
    (Q2, "no sigma before the bell curve"): ("sigma * (-t.square()", "(-t.square()"),
    (Q2, "no half in the exponent"): ("(-t.square() / 2)", "(-t.square())"),
    (Q2, "an area that is a sigmoid"): ("torch.special.ndtr(t)", "torch.sigmoid(1.702 * t)"),
    (Q2, "sigma in grey levels"): ("t = mu / sigma", "t = mu / (sigma / 255)"),
    (Q2, "a mean of random numbers"): (
        "return above_zero(y) - above_zero(y - 1)",
        "return (y[..., None] + sigma * torch.randn(4000, generator=seeded(0), dtype=y.dtype)).clamp(0, 1).mean(-1)",
    ),
    (Q2, "no noise is no number"): ("    if sigma == 0:\n        return y.clamp(0, 1)\n", ""),
    (Q2, "no noise, no clamp"): ("return y.clamp(0, 1)", "return y.clone()"),
    (Q2, "hands out what it was given"): (
        "return y.clamp(0, 1)",
        "return y if ((y >= 0) & (y <= 1)).all() else y.clamp(0, 1)",
    ),
    (Q2, "no gradients"): ("t = mu / sigma", "mu = mu.detach()\n        t = mu / sigma"),
    (Q2, "the shift is subtracted once"): (
        "    return (low + high) / 2",
        "    return (m - (stored_mean(m, sigma) - m)).clamp(0, 1)",
    ),
    (Q2, "too few steps"): ("range(24)", "range(8)"),
    (Q2, "beyond white"): (
        "low, high = torch.zeros_like(m), torch.ones_like(m)",
        "low, high = torch.full_like(m, -1), torch.full_like(m, 2)",
    ),
    (Q2, "the way back in the wrong direction"): ("stored_mean(middle, sigma) < m", "stored_mean(middle, sigma) > m"),
    (Q2, "one interval for all"): (
        "stored_mean(middle, sigma) < m",
        "(stored_mean(middle, sigma).mean() < m.mean()).expand(m.shape)",
    ),
    (Q2, "single precision"): (
        "return above_zero(y) - above_zero(y - 1)",
        "y = y.float()\n    return above_zero(y) - above_zero(y - 1)",
    ),
    (Q2, "writes into the means"): (
        "    low, high = torch.zeros_like(m)",
        "    m.clamp_(0, 1)\n    low, high = torch.zeros_like(m)",
    ),
    (Q3, "itself among its neighbours"): ("(0 < distance) & (distance <= radius)", "distance <= radius"),
    (Q3, "a square neighbourhood"): ("(distance <= radius)", "(distance <= 2 * radius)"),
    (Q3, "closer than the radius"): ("(distance <= radius)", "(distance < radius)"),
    (Q3, "by the number of steps"): ("(down**2 + across**2).sqrt()", "(down.abs() + across.abs())"),
    (Q3, "neighbours across the border are drawn inside"): (
        "inside = (rows >= 0) & (rows < height) & (columns >= 0) & (columns < width)",
        "rows, columns = rows.clamp(0, height - 1), columns.clamp(0, width - 1)\n    inside = torch.ones_like(rows, dtype=torch.bool)",
    ),
    (Q3, "neighbours on the other side of the picture"): (
        "inside = (rows >= 0) & (rows < height) & (columns >= 0) & (columns < width)",
        "rows, columns = rows % height, columns % width\n    inside = torch.ones_like(rows, dtype=torch.bool)",
    ),
    (Q3, "neighbours on the next line"): (" & (columns >= 0) & (columns < width)", ""),
    (Q3, "one shift for all"): (
        LOTS,
        "lot = torch.rand(len(down[near]), generator=generator).expand(inside.shape)\n"
        "    chosen = lot.masked_fill(~inside, -1).argmax(-1, keepdim=True)",
    ),
    (Q3, "the nearest more often"): (
        LOTS,
        LOTS.replace(
            "torch.rand(inside.shape, generator=generator)",
            "(torch.rand(inside.shape, generator=generator) / distance[near])",
        ),
    ),
    (Q3, "the first of its neighbours"): (LOTS, "chosen = inside.int().argmax(-1, keepdim=True)"),
    (Q3, "one place for all cells"): (
        "lots = torch.rand(batch, 1, height, width, generator=generator)",
        "lots = torch.rand(batch, 1, cell, cell, generator=generator).repeat(1, 1, height, width)[..., :height, :width]",
    ),
    (Q3, "one place for all pictures"): (
        "torch.rand(batch, 1, height, width, generator=generator)",
        "torch.rand(1, 1, height, width, generator=generator).repeat(batch, 1, 1, 1)",
    ),
    (Q3, "the middle of every cell more often"): (
        "lots = torch.rand(batch, 1, height, width, generator=generator)",
        "lots = torch.rand(batch, 1, height, width, generator=generator)\n    lots[:, :, 1::cell, 1::cell] += 0.3",
    ),
    (Q3, "cells at the border are left out"): (
        "F.max_pool2d(lots, cell, ceil_mode=True, return_indices=True)",
        "F.max_pool2d(lots, min(cell, height, width), ceil_mode=False, return_indices=True)",
    ),
    (Q3, "any pixel, cells or not"): (
        "at = F.max_pool2d(lots, cell, ceil_mode=True, return_indices=True)[1].flatten(1)",
        "at = lots.flatten(1).topk(-(-height // cell) * -(-width // cell)).indices",
    ),
    (Q3, "each channel from a neighbour of its own"): (
        "values = pixels.gather(2, source[:, None].expand(-1, channels, -1))",
        "values = pixels.gather(2, source[:, None].expand(-1, channels, -1))\n"
        "    lots = torch.rand(channels, *inside.shape, generator=generator).masked_fill(~inside, -1).argmax(-1, keepdim=True)\n"
        "    more = torch.stack([(rows * width + columns).gather(-1, lot)[..., 0] for lot in lots], 1)\n"
        "    values = pixels.gather(2, more)",
    ),
    (Q3, "the first channel alone"): (
        "at[:, None].expand(-1, channels, -1), values)",
        "at[:, None], values[:, :1])",
    ),
    (Q3, "everything becomes a fraction"): ("return hidden.view_as(z),", "return hidden.view_as(z).float(),"),
    (Q3, "a mask of numbers"): ("dtype=torch.bool).scatter(1, at, True)", "dtype=torch.float32).scatter(1, at, 1)"),
    (Q3, "the mask turned round"): ("return hidden.view_as(z), mask", "return hidden.view_as(z), ~mask"),
    (Q3, "writes into the pictures"): ("pixels.scatter(2,", "pixels.scatter_(2,"),
    (Q3, "the global generator"): ("torch.rand(inside.shape, generator=generator)", "torch.rand(inside.shape)"),
    (Q3, "the same every time"): ("    lots =", "    generator = torch.Generator().manual_seed(0)\n    lots ="),
    (Q3, "the same in two calls"): (
        "    lots =",
        "    generator = torch.Generator().manual_seed(generator.initial_seed())\n    lots =",
    ),
    (Q3, "one after the other, in place"): (
        "    return hidden.view_as(z), mask",
        "    hidden = pixels.clone()\n    for i in range(at.shape[1]):\n        here, there = at[:, i : i + 1], source[:, i : i + 1]\n"
        "        value = hidden.gather(2, there[:, None].expand(-1, channels, -1))\n"
        "        hidden.scatter_(2, here[:, None].expand(-1, channels, -1), value)\n    return hidden.view_as(z), mask",
    ),
    (Q3, "the library's own"): (
        "    lots =",
        "    return RandomNeighbour(cell, int(radius))(z, generator)\n    lots =",
    ),
    (Q4, "strides exchanged"): ("    down, across = strides\n    height", "    across, down = strides\n    height"),
    (Q4, "one stride for both"): ("down, across = strides", "down = across = strides[0]"),
    (Q4, "blocks, not every s-th pixel"): (
        "whole[:, :, a::down, b::across] for",
        "whole.unflatten(2, (down, -1)).unflatten(4, (across, -1))[:, :, a, :, b] for",
    ),
    (Q4, "columns first"): (
        "for a in range(down) for b in range(across)]",
        "for b in range(across) for a in range(down)]",
    ),
    (Q4, "small pictures first, then the batch"): ("torch.stack(parts, 1)", "torch.stack(parts)"),
    (Q4, "what is left over is lost"): ("height + -height % down", "max(height - height % down, min(height, down))"),
    (Q4, "a border of the other side"): (
        ".clamp(max=height - 1)",
        " % height",
    ),
    (Q4, "a border of zeros"): (
        "whole = z[:, :, rows][:, :, :, columns]",
        "whole = F.pad(z, (0, len(columns) - width, 0, len(rows) - height))",
    ),
    (Q4, "a border of its own lattice"): (
        "rows = torch.arange(height + -height % down).clamp(max=height - 1)",
        "rows = torch.arange(height + -height % down)\n    rows = torch.where(rows < height, rows, (rows - down).clamp(min=0))",
    ),
    (Q4, "fractions alone"): (
        "whole = z[:, :, rows][:, :, :, columns]",
        "whole = F.pad(z.float(), (0, len(columns) - width, 0, len(rows) - height), mode='replicate').to(z.dtype)\n    whole = whole.float()",
    ),
    (Q4, "no gradients"): ("whole = z[", "whole = z.detach()["),
    (Q4, "a window onto what it was given"): (
        "    down, across = strides\n    height",
        "    if strides == (1, 1):\n        return z\n    down, across = strides\n    height",
    ),
    (Q4, "collects in the other order"): (
        "z[:, :, k // across :: down, k % across :: across]",
        "z[:, :, k % down :: down, k // down :: across]",
    ),
    (Q4, "not cut off"): ("z[:, :, : size[0], : size[1]]", "z"),
    (Q4, "cut off on the left"): (
        "z[:, :, : size[0], : size[1]]",
        "z[:, :, z.shape[2] - size[0] :, z.shape[3] - size[1] :]",
    ),
    (Q4, "copies are averaged"): ("= small[k :: down * across]", "= small[k :: down * across].float().mul(1.0001)"),
    (Q4, "collects without gradients"): ("= small[k :: down * across]", "= small.detach()[k :: down * across]"),
    (Q4, "collects fractions"): ("small.new_zeros(", "torch.zeros("),
    (Q4, "the library's own where it can"): (
        "    down, across = strides\n    height",
        "    if strides[0] == strides[1]:\n        return downsample(z, strides[0])\n    down, across = strides\n    height",
    ),
    (Q5, "the centre alone"): ("torch.maximum(away[:, None], away) > radius", "torch.maximum(away[:, None], away) > 0"),
    (Q5, "the rim of the hole stays"): (
        "torch.maximum(away[:, None], away) > radius",
        "torch.maximum(away[:, None], away) >= max(radius, 1)",
    ),
    (Q5, "a cross, not a square"): ("torch.maximum(away[:, None], away)", "torch.minimum(away[:, None], away)"),
    (Q5, "a diamond"): ("torch.maximum(away[:, None], away)", "(away[:, None] + away)"),
    (Q5, "the hole alone"): ("> radius", "<= radius"),
    (Q5, "writes zeros into the weight"): (
        "    return F.conv2d(x, weight * kept, padding=middle)",
        "    with torch.no_grad():\n        weight *= kept\n    return F.conv2d(x, weight, padding=middle)",
    ),
    (Q5, "no border"): ("padding=middle)", "padding=0)"),
    (Q5, "a border that repeats the picture"): (
        "F.conv2d(x, weight * kept, padding=middle)",
        "F.conv2d(F.pad(x, (middle,) * 4, mode='replicate'), weight * kept)",
    ),
    (Q5, "a kernel that is turned round"): ("weight * kept,", "(weight * kept).flip(2, 3),"),
    (Q5, "no gradient for the weight"): ("weight * kept,", "weight.detach() * kept,"),
    (Q5, "the chapter's rule"): ("kernel // 2 + radius + 1", "kernel // 2 + 1"),
    (Q5, "a step too short"): ("kernel // 2 + radius + 1", "kernel // 2 + radius"),
    (Q5, "a step too long"): ("kernel // 2 + radius + 1", "kernel // 2 + radius + 2"),
    (Q5, "a whole kernel"): ("kernel // 2 + radius + 1", "kernel"),
    (Q5, "twice the hole"): ("kernel // 2 + radius + 1", "2 * radius + 2"),
    (Q5, "the pixel alone"): (
        "near = slope[:, :, max(0, row - radius) : row + radius + 1, max(0, column - radius) : column + radius + 1]",
        "near = slope[:, :, row : row + 1, column : column + 1]",
    ),
    (Q5, "a window that wraps"): ("max(0, row - radius)", "(row - radius)"),
    (Q5, "one quarter of the window"): ("row + radius + 1, max", "row + 1, max"),
    (Q5, "the whole picture"): (
        "near = slope[:, :, max(0, row - radius) : row + radius + 1, max(0, column - radius) : column + radius + 1]",
        "near = slope",
    ),
    (Q5, "the middle pixel stands for all"): ("for row in range(y.shape[2]):", "for row in (y.shape[2] // 2,):"),
    (Q5, "not at the border"): ("for column in range(y.shape[3]):", "for column in range(1, y.shape[3] - 1):"),
    (Q5, "outputs added up"): (SLOPE, SLOPE.replace("y[0, channel, row, column]", "y[0, :, row, column].sum()")),
    (Q5, "inputs added up"): ("near.abs().max()", "near.sum(1).abs().max()"),
    (Q5, "without a sign"): ("near.abs().max()", "near.max()"),
    (Q5, "yes or no"): ("return largest", "return float(largest > 0)"),
    (Q5, "all in one backward pass"): (SLOPE, "(slope,) = torch.autograd.grad(y.sum(), z, retain_graph=True)"),
    (Q5, "leaves gradients behind"): (
        SLOPE,
        "z.grad = None\n                y[0, channel, row, column].backward(retain_graph=True)\n                slope = z.grad",
    ),
    (Q5, "asks z itself for its gradient"): ("z = z.detach().clone().requires_grad_()", "z.requires_grad_()"),
    (Q5, "a picture of its own"): ("z.detach().clone()", "torch.zeros_like(z)"),
    (Q6, "channel by channel"): (
        "gain = torch.linalg.solve(prior + noise, prior).mT",
        "own = prior.diagonal(dim1=-2, dim2=-1)\n    gain = torch.diag_embed(own / (own + noise.diagonal(dim1=-2, dim2=-1)))",
    ),
    (Q6, "the gain is not turned"): (
        "torch.linalg.solve(prior + noise, prior).mT",
        "torch.linalg.solve(prior + noise, prior)",
    ),
    (Q6, "the weight of the surroundings"): (
        "torch.linalg.solve(prior + noise, prior).mT",
        "torch.linalg.solve(prior + noise, noise.expand_as(prior)).mT",
    ),
    (Q6, "the inverse of the prior"): (
        "gain = torch.linalg.solve(prior + noise, prior).mT",
        "gain = torch.linalg.inv(torch.linalg.inv_ex(prior).inverse + torch.linalg.inv_ex(noise).inverse) @ torch.linalg.inv_ex(noise).inverse",
    ),
    (Q6, "the noise alone divides"): (
        "torch.linalg.solve(prior + noise, prior)",
        "torch.linalg.solve(noise + 1e-6 * torch.eye(noise.shape[-1]), prior)",
    ),
    (Q6, "the covariance of z"): ("prior - gain @ prior", "prior + noise - gain @ prior"),
    (Q6, "nothing was learned"): ("prior - gain @ prior", "prior + 0 * noise"),
    (Q6, "the noise that is left"): ("prior - gain @ prior", "gain @ prior"),
    (Q6, "the mean is forgotten"): ("y_hat = mean + ", "y_hat = "),
    (Q6, "the recording is forgotten"): (
        "surplus = (z - mean).movedim(1, -1)[..., None]\n    y_hat",
        "surplus = mean.movedim(1, -1)[..., None]\n    y_hat",
    ),
    (Q6, "one matrix for all pixels"): (
        "torch.linalg.solve(prior + noise, prior).mT",
        "torch.linalg.solve(prior + noise, prior).mT.mean((0, 1, 2))",
    ),
    (Q6, "pixels in another order"): (
        "(gain @ surplus)[..., 0].movedim(-1, 1)",
        "(gain @ surplus)[..., 0].reshape(z.shape)",
    ),
    (Q6, "no gradient for the noise"): (
        "gain = torch.linalg.solve(prior + noise, prior).mT",
        "noise = noise.detach()\n    gain = torch.linalg.solve(prior + noise, prior).mT",
    ),
    (Q6, "a loss without the determinant"): ("(distance + total.logdet())", "(distance + 0 * total.logdet())"),
    (Q6, "the determinant without a logarithm"): ("total.logdet()", "total.det()"),
    (Q6, "no half"): (".mean() / 2", ".mean()"),
    (Q6, "a mean over channels as well"): (".mean() / 2", ".mean() / 2 / z.shape[1]"),
    (Q6, "a sum"): (".mean() / 2", ".sum() / 2"),
    (Q6, "the noise alone costs"): (
        "total = prior + noise",
        "total = noise + 0 * prior + 1e-6 * torch.eye(noise.shape[-1])",
    ),
    (Q6, "the prior alone costs"): (
        "total = prior + noise",
        "total = prior + 0 * noise + 1e-6 * torch.eye(noise.shape[-1])",
    ),
    (Q6, "the distance, not its square"): ("[..., 0, 0]\n    return", "[..., 0, 0].sqrt()\n    return"),
    (Q6, "channels apart in the loss"): (
        "total = prior + noise",
        "total = torch.diag_embed((prior + noise).diagonal(dim1=-2, dim2=-1))",
    ),
    (Q6, "a determinant that vanishes"): ("total.logdet()", "total.det().clamp(min=1e-12).log()"),
    (Q6, "writes into the mean"): ("    gain = torch", "    mean = mean.detach().mul_(1.0 + 1e-3)\n    gain = torch"),
    (Q7, "its own target"): (PAIR, "F.mse_loss(network(z), z)"),
    (Q7, "columns for lines"): (LINES, "upper, lower = z[:, :, :, ::2], z[:, :, :, 1::2]"),
    (Q7, "the two diagonals"): (
        LINES,
        "a, b, c, d = z[..., ::2, ::2], z[..., ::2, 1::2], z[..., 1::2, ::2], z[..., 1::2, 1::2]\n        upper, lower = (a + d) / 2, (b + c) / 2",
    ),
    (Q7, "zero-shot, as in the chapter"): (
        f"        {LINES}\n        return {PAIR}",
        "        from course_lib.learning_from_noise import zero_shot_loss\n        return zero_shot_loss(network, z)",
    ),
    (Q7, "any two that touch"): (
        f"        {LINES}\n        return {PAIR}",
        "        from course_lib.learning_from_noise import neighbor2neighbor_loss\n        return neighbor2neighbor_loss(network, z, generator)",
    ),
    (Q7, "single pixels are hidden"): (
        f"        {LINES}\n        return {PAIR}",
        "        from course_lib.learning_from_noise import RandomNeighbour, masked_loss\n"
        "        hidden, mask = RandomNeighbour(4, 4)(z, generator)\n        return masked_loss(network(hidden), z, mask)",
    ),
    (Q7, "a blur is the target"): (
        PAIR,
        "F.mse_loss(network(z), F.avg_pool2d(F.pad(z, (1, 1, 1, 1), mode='replicate'), 3, 1))",
    ),
    (Q7, "learns nothing"): ("return Small(), loss, 0.01", "return Small(), loss, 1e-9"),
    (Q7, "both lines are seen"): (PAIR, "F.mse_loss(network((upper + lower) / 2), lower)"),
    (Q7, "too many numbers"): ("width=16", "width=24"),
    (Q7, "numbers in a list count as well"): (
        "                nn.init.zeros_(number)\n\n        def forward(self, z):\n            return z - self.body(z)",
        "                nn.init.zeros_(number)\n            self.more = [torch.zeros(40, 50)]\n\n        def forward(self, z):\n"
        "            return z - self.body(z) + self.more[0].sum()",
    ),
    (Q7, "half the size"): ("return z - self.body(z)", "return (z - self.body(z))[..., ::2, :]"),
    (Q7, "one size alone"): ("return z - self.body(z)", "return z - self.body(z) if z.shape[-1] > 30 else z[..., :1]"),
    (Q7, "paints clean pictures for itself"): (
        f"        {LINES}\n        return {PAIR}",
        "        y = torch.cat([leaves(500 + int(torch.randint(99, (1,), generator=generator)), 48) for _ in range(8)])\n"
        "        return F.mse_loss(network(scan(y, generator)), y)",
    ),
    (Q7, "no scalar"): (PAIR, "(network(upper) - lower).square()"),
}
# they fail before they train; the others are `long`
QUICK = {
    "too many numbers",
    "numbers in a list count as well",
    "half the size",
    "paints clean pictures for itself",
    "no scalar",
}
HIDDEN_ONLY: set = set()  # what the visible asserts leave to the hidden values


@pytest.mark.parametrize(("question", "how"), wrong_cases(WRONG, QUICK))
def test_a_wrong_answer_gets_no_points(question, how):
    gets_no_points(NAME, question, WRONG[question, how], hidden_only=(question, how) in HIDDEN_ONLY)


@pytest.mark.parametrize(("question", "how"), cases(RIGHT))
def test_another_right_answer_gets_its_points(question, how):
    gets_its_points(NAME, question, RIGHT[question, how])
