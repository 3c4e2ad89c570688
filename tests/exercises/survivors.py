"""Mutants that behave like the master's answer, looked at one by one, and why: they are not to be caught."""

NUMBER = "any number will do, a tensor of one, too"
NO_SLOPE = "nobody asks how this result depends on what was given"

# {question: {a part of what was changed: the reason}}
EQUIVALENT: dict[str, dict[str, str]] = {
    "denoising-1": {
        "detached": "nobody differentiates through a camera",
        "without dtype": "the sum has the type of the image",
        "* noise -> Sub": "noise is as often negative as positive",
    },
    "denoising-2": {"detached": NO_SLOPE},
    "denoising-6": {
        "detached": "a network is no tensor",
        "turned round": "the order of two kinds of layers",
    },
    "denoising-4": {"return -10 * math.log10(2 * loss / pixels): detached": "it is a number already"},
    "learning_from_noise-1": {
        "detached": NO_SLOPE,
        "sum -> mean": "what costs least in the sum costs least in the mean",
    },
    "learning_from_noise-2": {
        "return (low + high) / 2: detached": NO_SLOPE,
        "24 -> 25": "halved once more",
        "< m -> LtE": "where the middle is the answer, both halves end at it",
    },
    "learning_from_noise-3": {
        "(down, across): turned round": "a neighbourhood is symmetric",
        "torch.meshgrid(steps, steps, indexing='ij'): ": "a neighbourhood is symmetric",
        "down[near] -> Sub": "a neighbourhood is symmetric",
        "across[near] -> Sub": "a neighbourhood is symmetric",
        "step.flatten(): without": "what is picked by a mask is flat",
        "expand(-1, channels, -1): arguments": "-1, channels, -1 backwards is -1, channels, -1",
        "math.floor(radius): floor -> ceil": "candidates that are too far are left out afterwards",
        "line 7: 1 -> 2": "candidates that are too far are left out afterwards",
        "line 13: 1 -> 2": "any negative number is below all lots",
    },
    "learning_from_noise-5": {
        "radius + 1: detached": "it is a number",
        "largest: detached": "it is a number already",
        "torch.maximum(away[:, None], away): arguments": "a maximum is symmetric",
        "max(largest, near.abs().max().item()): arguments": "a maximum is symmetric",
        "max(0, row - radius): arguments": "a maximum is symmetric",
        "max(0, column - radius): arguments": "a maximum is symmetric",
        "without .item()": NUMBER,
        "without .clone()": "nothing is written into the picture",
        "without .detach()": "the copy is asked for its gradient, and the picture is not",
        "line 4: 1 -> 2": "kernels are square",
        "line 5: 1 -> 2": "kernels are square",
    },
    "metric_learning-2": {
        "distance(anchor, positive): arguments": "a distance is symmetric",
        "distance(anchor, negative): arguments": "a distance is symmetric",
    },
    "metric_learning-3": {
        "torch.searchsorted(ordered, ordered, right=True): arguments": "both are the same list",
        "detached": "whole numbers have no slope",
        "without .unique()": "everybody is looked at several times, with the same answer",
        "without .item()": NUMBER,
    },
    "metric_learning-4": {
        "detached": "it is a number already",
        "[same, different]: turned round": "the order of the thresholds",
        "without .item()": NUMBER,
        "without .tolist()": "tensors of one number are thresholds as well",
    },
    "metric_learning-5": {
        "detached": NO_SLOPE,
        "without .item()": NUMBER,
        "< 1e-06 -> LtE": "no spread is exactly a millionth",
        "double": "float32 is precise enough for what is asked",
    },
    "metric_learning-6": {
        "detached": "it is a number already",
        "line 4: right.int().argsort(stable=True): without stable": "those that are alike in this sort are alike",
        "line 4: True -> False": "those that are alike in this sort are alike",
        "line 4: right.int(): without .int()": "False sorts before True",
        "double": "float32 is precise enough for what is asked",
        "without .item()": NUMBER,
        "without dtype": "float32 is precise enough for what is asked",
    },
    "pretext_tasks-1": {
        "-ways % 4 -> -ways": "`hang` takes the rest of the division itself",
        "line 5: 4 -> 5": "a fifth quarter turn that nobody picks",
    },
    "pretext_tasks-2": {
        "detached": "whole numbers have no slope",
        "line 9: orders.numel() + 1": "a digit more or less: the sum stays below it",
        "line 9: 1 -> 2": "a digit more: the sum stays below it",
        "line 10: 1 -> 2": "any negative number is below all others",
    },
    "pretext_tasks-3": {
        "softmax(1): detached": "nobody differentiates a label",
        "torch.minimum(around, 360 - around): arguments": "a minimum is symmetric",
        "torch.hypot(x, y): arguments": "a length is symmetric",
    },
    "pretext_tasks-4": {
        "without dim": "it is the default",
        "without .sum()": "relatives have equally many relatives, so the shares may be taken along the other side",
        "(:, None): turned round": "similarities are symmetric, and so is who is whose relative",
    },
    "pretext_tasks-5": {
        "detached": "it is a number already",
        "without .item()": NUMBER,
        "< 1e-06 -> LtE": "no deviation is exactly a millionth",
        "line 5: 1 -> 2": "a feature that never changes is 0 whatever it is divided by",
        "without dtype": "the sum has the type of the features",
        "y - c": "features whose mean is 0 do not see a constant",
    },
    "pretext_tasks-6": {"detached": "percentages have no slope"},
    "projects-1": {
        "arguments turned round": "a maximum is symmetric",
        "(1, 2): turned round": "both are summed",
    },
    "projects-2": {
        "without dim": "the last one is the default",
        "(1, 2, 3): turned round": "all are averaged",
        "[down, right]: turned round": "a length is symmetric",
    },
    "projects-3": {
        "return merge(parts): detached": "nobody differentiates what is a gradient already",
        "(1, 2, 3): turned round": "all are averaged",
        "strength < 1e-06 -> LtE": "no strength is exactly a millionth",
    },
    "projects-4": {
        "detached": NO_SLOPE,
        "without dtype": "in double precision a hundred-thousandth of float32 is one as well",
        "(:, None): turned round": "the target is a batch of one",
    },
    "projects-5": {
        "detached": "it is a number already",
        "mutual(views[0], view): arguments": "the two sides are treated alike, and so is a right pair",
        "without .item()": NUMBER,
        "double": "if one of two is in double precision, their difference is",
    },
    "projects-6": {
        "detached": "it is a number already",
        "mean -> sum": "every setting has as many seeds",
        "double": "float32 is precise enough for what is asked",
        "without .item()": NUMBER,
        "(-1, 1): turned round": "the order of the ways",
        "1e-06 -> GtE": "no two differ by exactly a millionth",
    },
    "receptive_fields-1": {
        "detached": "it is a number already",
        "turned round": "both start at 1",
    },
    "receptive_fields-2": {"detached": "it is a list"},
    "receptive_fields-3": {
        "detached": NO_SLOPE,
        "zeros -> ones": "a sum of ones times a picture has the same slope, whatever the picture",
        "1 -> 2": "the second picture is not looked at",
    },
    "receptive_fields-4": {
        "detached": NO_SLOPE,
        "mean -> sum": "the shares are divided by their sum",
        "sum -> mean": "the shares are divided by their sum",
        "(0, 1): turned round": "both are averaged",
        "without dtype": "whole numbers times shares",
        "without .item()": NUMBER,
        "without .clone()": "the network does not write into its input",
        "without .detach()": "a copy is asked for its gradient, and the picture has none",
    },
    "receptive_fields-5": {
        "without .item()": NUMBER,
        "without dtype": "float32 is precise enough for what is asked",
    },
    "receptive_fields-6": {
        "unfold(1, block, 1): arguments turned round": "1, block, 1 backwards is 1, block, 1",
        "sum -> mean": "the order of the distances is the same",
        "(2, 3): turned round": "both are summed",
        ">= tau -> Gt": "no coefficient is exactly tau after a division by the root of two",
    },
    "receptive_fields-7": {
        "turned round": "another plan that sees enough",
        "9 -> 10": "another plan that sees enough",
        "1 -> 2": "another plan that sees enough",
    },
}
