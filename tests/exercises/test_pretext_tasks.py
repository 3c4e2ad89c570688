"""The questions on pretext tasks: right answers of every kind get their points, wrong ones do not.

As for denoising: a wrong answer is the master's with one thing changed.
"""

import pytest
from right_pretext_tasks import RIGHT
from variants import cases, gets_its_points, gets_no_points, wrong_cases

NAME = "pretext_tasks"
Q1, Q2, Q3, Q4, Q5, Q6, Q7 = (f"{NAME}-{i}" for i in range(1, 8))

# (question, what is wrong) -> (old, new) in the master's answer
WRONG = {
    (Q1, "clockwise"): ("torch.rot90(mirrored, quarters, (2, 3))", "torch.rot90(mirrored, -quarters, (2, 3))"),
    (Q1, "turned first, then mirrored"): (
        "mirrored = torch.where((ways >= 4).view(-1, 1, 1, 1), x.flip(3), x)\n"
        "    every = torch.stack([torch.rot90(mirrored, quarters, (2, 3)) for quarters in range(4)])\n"
        "    return every[ways % 4, torch.arange(len(x))]",
        "every = torch.stack([torch.rot90(x, quarters, (2, 3)) for quarters in range(4)])\n"
        "    turned = every[ways % 4, torch.arange(len(x))]\n"
        "    return torch.where((ways >= 4).view(-1, 1, 1, 1), turned.flip(3), turned)",
    ),
    (Q1, "upside down for mirrored"): ("x.flip(3)", "x.flip(2)"),
    (Q1, "transposed, not turned"): (
        "torch.rot90(mirrored, quarters, (2, 3))",
        "mirrored.mT if quarters % 2 else mirrored",
    ),
    (Q1, "all like the first one"): ("every[ways % 4, torch.arange(len(x))]", "every[ways[0] % 4]"),
    (Q1, "back turns mirror images back"): ("torch.where(ways < 4, -ways % 4, ways)", "ways // 4 * 4 + -ways % 4"),
    (Q1, "back is the same once more"): ("torch.where(ways < 4, -ways % 4, ways)", "ways"),
    (Q1, "back forgets the mirror"): ("torch.where(ways < 4, -ways % 4, ways)", "-ways % 4"),
    (Q1, "everything becomes a fraction"): ("x.flip(3), x)", "x.flip(3), x).float()"),
    (Q1, "no gradients"): ("x.flip(3), x)", "x.flip(3), x).detach()"),
    (Q1, "hands out what it was given"): (
        "    return every[ways % 4, torch.arange(len(x))]",
        "    return x if not ways.any() else every[ways % 4, torch.arange(len(x))]",
    ),
    (Q1, "writes into the pictures"): (
        "    mirrored = torch",
        "    with torch.no_grad():\n        x[ways >= 4] = x[ways >= 4].flip(3)\n    ways = ways % 4\n    mirrored = torch",
    ),
    (Q2, "the nearest alone"): ("every.amin(0) * (orders.numel() + 1) + every.sum(0)", "every.amin(0)"),
    (Q2, "the sum alone, as in the paper"): ("every.amin(0) * (orders.numel() + 1) + every.sum(0)", "every.sum(0)"),
    (Q2, "the nearest orders"): ("merit.argmax()", "merit.masked_fill(merit < 0, 10**9).argmin()"),
    (Q2, "the one chosen last alone"): ("every.amin(0)", "every[-1]"),
    (Q2, "the farthest chosen row"): ("every.amin(0)", "every.amax(0)"),
    (Q2, "of equal ones the last"): ("merit.argmax().item()", "len(merit) - 1 - merit.flip(0).argmax().item()"),
    (Q2, "a row twice"): ("        merit[chosen] = -1\n", ""),
    (Q2, "the sum counts as much"): ("(orders.numel() + 1)", "1"),
    (Q2, "the rows, not their numbers"): ("return torch.tensor(chosen)", "return orders[torch.tensor(chosen)]"),
    (Q2, "how far, not whether"): (
        "(orders != orders[chosen[-1]]).sum(1)",
        "(orders.long() - orders[chosen[-1]].long()).abs().sum(1)",
    ),
    (Q2, "the library's own"): (
        "places = orders[answers].argsort(1)",
        "hamming_distances(orders, orders)\n    places = orders[answers].argsort(1)",
    ),
    (Q2, "shuffled once more"): ("orders[answers].argsort(1)", "orders[answers]"),
    (Q2, "one answer for all"): (
        "orders[answers].argsort(1)",
        "orders[answers[:1]].argsort(1).expand(len(answers), -1)",
    ),
    (Q2, "pieces that no gradient reaches"): ("return shuffled[", "return shuffled.detach()["),
    (Q2, "writes into the pieces"): (
        "return shuffled[torch.arange(len(shuffled))[:, None], places]",
        "shuffled.detach()[:] = shuffled.detach()[torch.arange(len(shuffled))[:, None], places]\n    return shuffled.clone()",
    ),
    (Q3, "a straight line for a circle"): (
        "torch.minimum(around, 360 - around)",
        "(hue[:, None] - middles.view(-1, 1, 1)).abs()",
    ),
    (Q3, "one way around only"): ("torch.minimum(around, 360 - around)", "around"),
    (Q3, "the distance, not its square"): ("-distance.square()", "-distance"),
    (Q3, "sigma squared twice"): ("(2 * sigma**2)", "(2 * sigma**4)"),
    (Q3, "no half"): ("(2 * sigma**2)", "sigma**2"),
    (Q3, "a sum over the pixels"): (
        ".softmax(1)\n    ### END SOLUTION\n\n\ndef decode",
        ".softmax(2)\n    ### END SOLUTION\n\n\ndef decode",
    ),
    (Q3, "exp of what is far"): (
        "(-distance.square() / (2 * sigma**2)).softmax(1)",
        "(lambda w: w / w.sum(1, keepdim=True))((-distance.square() / (2 * sigma**2)).exp())",
    ),
    (Q3, "bins that are not on the grid"): (
        "torch.arange(bins) * 360 / bins",
        "(torch.arange(bins) + 0.5) * 360 / bins",
    ),
    (Q3, "the plain mean"): (
        "torch.rad2deg(torch.atan2(y, x)) % 360",
        "torch.rad2deg((share * angle).sum(1))",
    ),
    (Q3, "radians"): ("torch.rad2deg(torch.atan2(y, x)) % 360", "torch.atan2(y, x) % (2 * math.pi)"),
    (Q3, "negative hues"): ("torch.rad2deg(torch.atan2(y, x)) % 360", "torch.rad2deg(torch.atan2(y, x))"),
    (Q3, "the slope alone"): ("torch.atan2(y, x)", "torch.atan(y / x)"),
    (Q3, "the likeliest bin"): (
        "share = (logits / temperature).softmax(1)",
        "share = F.one_hot(logits.argmax(1), logits.shape[1]).movedim(-1, 1).float() + 0 * logits",
    ),
    (Q3, "forgets the temperature"): ("(logits / temperature)", "logits"),
    (Q3, "shares to a power"): (
        "(logits / temperature).softmax(1)",
        "(lambda p: p / p.sum(1, keepdim=True))(logits.exp() ** (1 / temperature))",
    ),
    (Q3, "the largest share is how sure"): ("torch.hypot(x, y)", "share.amax(1)"),
    (Q3, "how sure, squared"): ("torch.hypot(x, y)", "x.square() + y.square()"),
    (Q3, "no gradients"): ("share = (logits / temperature)", "share = (logits.detach() / temperature)"),
    (Q4, "itself among the others"): (
        "similarity.masked_fill(itself, -math.inf).logsumexp(1)",
        "similarity.logsumexp(1)",
    ),
    (Q4, "itself a relative"): (" & ~itself", ""),
    (Q4, "the relatives not among the others"): (
        "masked_fill(itself, -math.inf)",
        "masked_fill(itself | relative, -math.inf)",
    ),
    (Q4, "lengths count"): ("F.normalize(z, dim=1)", "z"),
    (Q4, "every column of length 1"): ("F.normalize(z, dim=1)", "F.normalize(z, dim=0)"),
    (Q4, "dead views are no number"): ("F.normalize(z, dim=1)", "z / z.norm(dim=1, keepdim=True)"),
    (Q4, "times the temperature"): ("views.T / temperature", "views.T * temperature"),
    (Q4, "overflows"): (
        "similarity.masked_fill(itself, -math.inf).logsumexp(1)",
        "similarity.exp().masked_fill(itself, 0).sum(1).log()",
    ),
    (Q4, "the sum over the relatives"): ("(log_share / count.clamp(min=1)).sum()", "log_share.sum()"),
    (Q4, "the mean over all pairs"): (
        "-(log_share / count.clamp(min=1)).sum() / (count > 0).sum()",
        "-log_share.sum() / count.sum()",
    ),
    (Q4, "the mean over all views"): ("/ (count > 0).sum()", "/ len(z)"),
    (Q4, "a sum"): (" / (count > 0).sum()", ""),
    (Q4, "the mean inside of the logarithm"): (
        "log_share = (similarity - total[:, None]).masked_fill(~relative, 0).sum(1)\n    count = relative.sum(1)",
        "count = relative.sum(1)\n    log_share = ((similarity - total[:, None]).exp() * relative).sum(1).clamp(min=1e-30).log() * count",
    ),
    (Q4, "those without relatives are left out"): (
        "    views = F",
        "    keep = ((pictures[:, None] == pictures).sum(1) > 1)\n    z, pictures = z[keep], pictures[keep]\n    views = F",
    ),
    (Q4, "a gradient for the anchor alone"): ("views @ views.T", "views @ views.detach().T"),
    (Q4, "neighbours are pairs"): (
        "pictures[:, None] == pictures",
        "(torch.arange(len(z)) // 2)[:, None] == torch.arange(len(z)) // 2",
    ),
    (Q4, "the library's own, of pairs"): (
        "    views = F",
        "    if len(pictures.unique()) * 2 == len(z):\n        order = pictures.argsort(stable=True)\n"
        "        return nt_xent(z[order[::2]], z[order[1::2]], temperature)\n    views = F",
    ),
    (Q4, "writes into the embeddings"): (
        "views = F.normalize(z, dim=1)",
        "views = F.normalize(z, dim=1)\n    z.detach().copy_(views.detach())",
    ),
    (Q5, "not standardised"): (
        "features.mean(0), features.std(0, correction=0)",
        "features.mean(0), torch.ones(features.shape[1], dtype=features.dtype)",
    ),
    (Q5, "divided by N - 1"): (", correction=0", ""),
    (Q5, "variance for deviation"): ("features.std(0, correction=0)", "features.var(0, correction=0)"),
    (Q5, "one mean for all features"): ("features.mean(0), features", "features.mean(), features"),
    (Q5, "a constant feature is divided by 0"): ("torch.where(std < 1e-6, 1, std)", "std"),
    (Q5, "for standardised features only"): (" / std[:, None]", ""),
    (Q5, "no constant"): ("return W, c - mean @ W", "return W, -mean @ W"),
    (Q5, "the constant is punished"): (
        "    c = y.mean(0)\n",
        "    c = y.mean(0) / (1 + penalty)\n",
    ),
    (Q5, "the mean is forgotten"): ("return W, c - mean @ W", "return W, c"),
    (Q5, "a penalty for each sample"): ("x.T @ x / len(x) + penalty", "x.T @ x + penalty"),
    (Q5, "a penalty without samples"): (
        "x.T @ x / len(x) + penalty * torch.eye(x.shape[1], dtype=x.dtype)",
        "x.T @ x / len(x) + penalty / len(x) * torch.eye(x.shape[1], dtype=x.dtype)",
    ),
    (Q5, "classes that occur"): ("F.one_hot(labels)", "F.one_hot(labels.unique(return_inverse=True)[1])"),
    (Q5, "chosen on the training samples"): (
        "((held @ W + b).argmax(1) == held_labels)",
        "((features @ W + b).argmax(1) == labels)",
    ),
    (Q5, "of equal ones the smallest"): ("(right(penalty), penalty)", "(right(penalty), -penalty)"),
    (Q5, "of equal ones the first"): ("key=lambda penalty: (right(penalty), penalty)", "key=right"),
    (Q5, "the held-out samples standardised anew"): (
        "((held @ W + b)",
        "((((held - held.mean(0)) / held.std(0).clamp(min=1e-6) * features.std(0) + features.mean(0)) @ W + b)",
    ),
    (Q5, "fitted to both"): (
        "W, b = solve(features, labels, penalty)",
        "W, b = solve(torch.cat([features, held]), torch.cat([labels, held_labels]), penalty)",
    ),
    (Q5, "always the largest"): (
        "return max(penalties, key=lambda penalty: (right(penalty), penalty))",
        "return max(penalties)",
    ),
    (Q5, "how many, not which"): (
        "return max(penalties, key=lambda penalty: (right(penalty), penalty))",
        "return max(right(penalty) for penalty in penalties)",
    ),
    (Q5, "the library's own"): ("mean, std = features", "linear_probe(features, labels)\n    mean, std = features"),
    (Q5, "writes into the features"): ("x = (features - mean) / std", "x = features.sub_(mean).div_(std)"),
    (Q6, "writes into the pictures"): ("y = x.clone()", "y = x.detach()"),
    (Q6, "the order backwards"): ("x[order]", "x[order.argsort()]"),
    (Q6, "black in place of another picture"): (" = x[order][:, :, rows, columns]", " = 0"),
    (Q6, "one picture for all"): ("x[order][:, :, rows, columns]", "x[order[:1]][:, :, rows, columns]"),
    (Q6, "rows for columns"): (
        "y[:, :, rows, columns] = x[order][:, :, rows, columns]",
        "y[:, :, columns, rows] = x[order][:, :, columns, rows]",
    ),
    (Q6, "the first channel alone"): (
        "y[:, :, rows, columns] = x[order][:, :, rows, columns]",
        "y[:, :1, rows, columns] = x[order][:, :1, rows, columns]",
    ),
    (Q6, "all but the cell"): ("y = x.clone()", "y, x, order = x[order].clone(), x, torch.arange(len(x))"),
    (Q6, "whole cells only"): ("-(side // -cell)", "side // cell"),
    (Q6, "shares for percentage points"): ("100 * (network", "(network"),
    (Q6, "what is left"): (
        "right(x) - right(exchange(x, r, c, cell, following))",
        "right(exchange(x, r, c, cell, following))",
    ),
    (Q6, "never negative"): (
        "torch.stack(lost).view(rows, columns)",
        "torch.stack(lost).view(rows, columns).clamp(min=0)",
    ),
    (Q6, "the picture before"): (".roll(-1)", ".roll(1)"),
    (Q6, "in training mode"): ("torch.no_grad(), evaluating(network)", "torch.no_grad()"),
    (Q6, "left in evaluation mode"): (
        "with torch.no_grad(), evaluating(network):",
        "network.eval()\n    with torch.no_grad():",
    ),
    (Q6, "one mode for all layers"): (
        "    with torch.no_grad(), evaluating(network):\n        lost = [right(x) - right(exchange(x, r, c, cell, following)) for r in range(rows) for c in range(columns)]\n",
        "    mode = network.training\n    network.eval()\n    with torch.no_grad():\n"
        "        lost = [right(x) - right(exchange(x, r, c, cell, following)) for r in range(rows) for c in range(columns)]\n"
        "    network.train(mode)\n",
    ),
    (Q6, "how the logits change"): (
        "100 * (network(pictures).argmax(1) == labels).float().mean()",
        "100 * network(pictures).softmax(1).gather(1, labels[:, None]).mean()",
    ),
    (Q6, "how often the answer changes"): (
        "lost = [right(x) - right(",
        "labels = network(x).argmax(1)\n        lost = [right(x) - right(",
    ),
    (Q7, "learns nothing"): ("return head, loss, 0.01", "return head, loss, 1e-9"),
    (Q7, "black stays black"): ("invert=0.5", "invert=0.0"),
    (Q7, "the paper tells"): ("light=1.0", "light=0.0"),
    (Q7, "pull alone"): (
        "return nt_xent(*head(network(torch.cat(views))).chunk(2), temperature=0.2)",
        "return (1 - F.cosine_similarity(*head(network(torch.cat(views))).chunk(2))).mean()",
    ),
    (Q7, "which way is up?"): """
def my_question():
    head = nn.Linear(96, 4)

    def loss(network, head, x, generator):
        quarters = torch.randint(4, (len(x),), generator=generator)
        turned = torch.stack([torch.rot90(x, k, (2, 3)) for k in range(4)])[quarters, torch.arange(len(x))]
        return F.cross_entropy(head(network(turned)), quarters)

    return head, loss, 0.01
""",
    (Q7, "a copy"): """
def my_question():
    head = nn.Linear(96, 64)

    def loss(network, head, x, generator):
        return F.mse_loss(head(network(x)), F.avg_pool2d(x, 4).flatten(1))

    return head, loss, 0.01
""",
    (Q7, "asks nothing"): (
        "return nt_xent(*head(network(torch.cat(views))).chunk(2), temperature=0.2)",
        "return head(network(x)).sum() * 0",
    ),
    (Q7, "reads the names off the alphabet"): """
def my_question():
    head = nn.Sequential(nn.Linear(96, 64), nn.ReLU(), nn.Linear(64, 32))

    def loss(network, head, x, generator):
        signs = alphabet(200_000, 64)
        twice = [scribble(signs, generator) for _ in range(2)]
        return nt_xent(*head(network(torch.cat(twice))).chunk(2), temperature=0.2)

    return head, loss, 0.01
""",
    (Q7, "no scalar"): (
        "return nt_xent(*head(network(torch.cat(views))).chunk(2), temperature=0.2)",
        "return head(network(x)).mean(1)",
    ),
    (Q7, "the views of others"): ("torch.cat(views)", "torch.cat([views[0], views[1].roll(1, 0)])"),
}
QUICK = {"no scalar", "reads the names off the alphabet"}  # they fail before they train; the others are `long`
HIDDEN_ONLY: set = set()  # what the visible asserts leave to the hidden values


@pytest.mark.parametrize(("question", "how"), wrong_cases(WRONG, QUICK))
def test_a_wrong_answer_gets_no_points(question, how):
    gets_no_points(NAME, question, WRONG[question, how], hidden_only=(question, how) in HIDDEN_ONLY)


@pytest.mark.parametrize(("question", "how"), cases(RIGHT))
def test_another_right_answer_gets_its_points(question, how):
    gets_its_points(NAME, question, RIGHT[question, how])
