"""The denoising questions: right answers of every kind get their points, wrong ones do not.

A wrong answer is the master's with one thing changed. It has to fail the visible asserts, or the hidden values; and
most have to fail the hidden values alone, because asserts in a student's process can be patched.
"""

import pytest
from right_denoising import RIGHT
from variants import cases, gets_its_points, gets_no_points

NAME = "denoising"
Q1, Q2, Q3, Q4, Q5, Q6, Q7 = (f"{NAME}-{i}" for i in range(1, 8))

# (question, what is wrong) -> (old, new) in the master's answer
WRONG = {
    (Q1, "divides by shots, not by their root"): ("math.sqrt(shots)", "shots"),
    (Q1, "sigma in [0, 1]"): ("sigma / 255", "sigma"),
    (Q1, "clips"): (
        "y + sigma / 255 / math.sqrt(shots) * noise",
        "(y + sigma / 255 / math.sqrt(shots) * noise).clamp(0, 1)",
    ),
    (Q1, "uniform noise"): (
        "torch.randn(y.shape, generator=generator, dtype=y.dtype)",
        "math.sqrt(12) * (torch.rand(y.shape, generator=generator, dtype=y.dtype) - 0.5)",
    ),
    (Q1, "forgets the generator"): ("generator=generator, ", ""),
    (Q1, "the same noise in every image"): ("y.shape,", "y[:1].shape,"),
    (Q1, "writes into its input"): (
        "y + sigma / 255 / math.sqrt(shots) * noise",
        "y.add_(sigma / 255 / math.sqrt(shots) * noise)",
    ),
    (Q2, "absolute errors"): ("error.square().mean(1)", "error.abs().mean(1).square()"),
    (Q2, "no clamp"): (".clamp(0, 1)", ""),
    (Q2, "clamps the difference"): ("(y_hat.clamp(0, 1) - y)", "(y_hat - y).clamp(0, 1)"),
    (Q2, "one number for the batch"): (".mean(1)", ".mean()"),
    (Q2, "natural logarithm"): ("log10()", "log()"),
    (Q2, "writes into its input"): (".clamp(0, 1)", ".clamp_(0, 1)"),
    (Q2, "an epsilon"): (".mean(1).log10()", ".mean(1).add(1e-10).log10()"),
    (Q3, "does something at the start"): ("nn.init.zeros_(self.branch[-1].weight)", "pass"),
    (Q3, "zero convolution"): ("self.branch[-1].weight", "self.branch[-2].weight"),
    (Q3, "both batch norms zero"): (
        "nn.init.zeros_(self.branch[-1].weight)",
        "[nn.init.zeros_(self.branch[i].weight) for i in (1, 4)]",
    ),
    (Q3, "ReLU after the sum"): ("x + self.branch(x)", "F.relu(x + self.branch(x))"),
    (Q3, "no ReLU"): ("nn.ReLU()", "nn.Identity()"),
    (Q3, "leaky ReLU"): ("nn.ReLU()", "nn.LeakyReLU(0.1)"),
    (Q3, "biases"): (", bias=False", ""),
    (Q3, "x minus"): ("x + self", "x - self"),
    (Q3, "reflecting border"): ("bias=False", "bias=False, padding_mode='reflect'"),
    (Q4, "mean of the squares"): (".sum() / (2 * len(z))", ".mean()"),
    (Q4, "no half"): ("(2 * len(z))", "len(z)"),
    (Q4, "sum over the batch"): ("/ (2 * len(z))", "/ 2"),
    (Q4, "the network gives the image"): ("network(z) - (z - y)", "network(z) - y"),
    (Q4, "noise with the other sign"): ("network(z) - (z - y)", "network(z) - (y - z)"),
    (Q4, "detached"): ("network(z)", "network(z).detach()"),
    (Q4, "decibels without the factor 2"): ("2 * loss / pixels", "loss / pixels"),
    (Q4, "amplitudes"): ("-10 * math.log10(2", "-20 * math.log10(2"),
    (Q5, "columns first"): ("for i in (0, 1) for j in (0, 1)", "for j in (0, 1) for i in (0, 1)"),
    (Q5, "channels apart"): ("torch.stack(parts, dim=2).flatten(1, 2)", "torch.cat(parts, dim=1)"),
    (Q5, "quarters"): ("x[:, :, i::2, j::2]", "x.unflatten(2, (2, -1)).unflatten(4, (2, -1))[:, :, i, :, j]"),
    (Q5, "grey levels"): ("sigma / 255", "sigma"),
    (Q5, "one level for the batch"): ("(sigma / 255)", "(sigma.mean() / 255).expand(len(sigma))"),
    (Q5, "black border"): (', mode="replicate"', ""),
    (Q5, "reflecting border"): ("replicate", "reflect"),
    (Q5, "pads on the other side"): (
        "(0, z.shape[3] % 2, 0, z.shape[2] % 2)",
        "(z.shape[3] % 2, 0, z.shape[2] % 2, 0)",
    ),
    (Q5, "map first"): ("[small, noise_map]", "[noise_map, small]"),
    (Q6, "forgets the running mean"): ("layer.running_mean.zero_()", "pass"),
    (Q6, "forgets the biases"): ("nn.init.zeros_(layer.bias)", "pass"),
    (Q6, "forgets batch norm's bias"): ("(nn.Conv2d, nn.BatchNorm2d)", "nn.Conv2d"),
    (Q6, "resets the statistics"): ("layer.running_mean.zero_()", "layer.reset_running_stats()"),
    (Q6, "works on the original"): ("copy.deepcopy(network).eval()", "network.eval()"),
    (Q6, "leaves it in training mode"): (".eval()", ""),
    (Q6, "direct children only"): ("network.modules()", "network.children()"),
    (Q6, "zeros everywhere"): (
        "return network",
        "[nn.init.zeros_(p) for p in network.parameters()]; return network",
    ),
    (Q7, "too many numbers"): (
        "return Small()",
        "network = Small(2, 24); network.register_buffer('seen', torch.zeros(2700)); return network",
    ),
    (Q7, "shrinks"): ("nn.Conv2d(1, width, 3, padding=1)", "nn.Conv2d(1, width, 3)"),
    (Q7, "learns nothing"): ("return Small(), 0.01", "return nn.Conv2d(1, 1, 1), 1e-6"),
    (Q7, "one blur that does not learn"): ("return Small(), 0.01", "return nn.AvgPool2d(3, 1, 1), 0.01"),
    (Q1, "a generator that does not move on"): (
        "generator=generator",
        "generator=torch.Generator().manual_seed(generator.initial_seed())",
    ),
    (Q1, "puts the generator back"): (
        "    noise = torch.randn(y.shape, generator=generator, dtype=y.dtype)\n",
        "    state = generator.get_state()\n    noise = torch.randn(y.shape, generator=generator, dtype=y.dtype)\n    generator.set_state(state)\n",
    ),
    (Q1, "more noise where it is bright"): ("* noise", "* noise * (0.5 + y)"),
    (Q1, "the same noise in every channel"): ("y.shape,", "(len(y), 1, *y.shape[2:]),"),
    (Q2, "clamps both"): ("- y)", "- y.clamp(0, 1))"),
    (Q2, "the peak of the image"): ("return -10", "return 20 * y.flatten(1).amax(1).log10() - 10"),
    (Q2, "the library's own"): "def psnr(y_hat, y):\n    return metrics.psnr(y_hat, y)\n",
    (
        Q2,
        "the library's own, under another name",
    ): "from course_lib.metrics import psnr as judge\n\ndef psnr(y_hat, y):\n    return judge(y_hat, y)\n",
    (Q3, "the wrong batch norm"): """
class ResidualBlock(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.branch = nn.Sequential(
            nn.Conv2d(width, width, 3, padding=1, bias=False), nn.BatchNorm2d(width), nn.ReLU(),
            nn.Conv2d(width, width, 3, padding=1, bias=False), nn.BatchNorm2d(width))
        nn.init.zeros_(self.branch[1].weight)

    def forward(self, x):
        return x + self.branch(x)
""",
    (Q3, "a detached branch"): ("self.branch(x)", "self.branch(x.detach())"),
    (Q3, "ReLU on its input, in place"): (
        "return x + self.branch(x)",
        "return x + self.branch(F.relu(x, inplace=True))",
    ),
    (Q4, "a network that is called twice"): (
        "error = network(z) - (z - y)",
        "error = network(z - network(z)) - (z - y)",
    ),
    (Q4, "the pixels of one channel"): ("(2 * len(z))", "(2 * len(z) * z.shape[1])"),
    (Q5, "torch's own"): ("return torch.stack(parts, dim=2).flatten(1, 2)", "return F.pixel_unshuffle(x, 2)"),
    (Q5, "torch's module"): ("return torch.stack(parts, dim=2).flatten(1, 2)", "return nn.PixelUnshuffle(2)(x)"),
    (Q5, "detached"): ("torch.stack(parts, dim=2)", "torch.stack(parts, dim=2).detach()"),
    (Q6, "a copy that shares its numbers, and the wrong mode"): """
def bias_free(network):
    new = copy.deepcopy(network).eval()
    network.train()
    for a, b in zip(network.modules(), new.modules()):
        if isinstance(b, (nn.Conv2d, nn.BatchNorm2d)):
            b.weight, b.bias = a.weight, None
        if isinstance(b, nn.BatchNorm2d):
            b.running_var, b.running_mean = a.running_var, torch.zeros_like(a.running_mean)
    return new
""",
    (Q6, "a shallow copy"): ("copy.deepcopy(network).eval()", "copy.copy(network).eval()"),
    (Q6, "the variance too"): ("layer.running_mean.zero_()", "layer.running_mean.zero_(), layer.running_var.fill_(1)"),
    (Q6, "the library's own"): "def bias_free(network):\n    return remove_biases(copy.deepcopy(network)).eval()\n",
    (Q6, "frozen"): ("    return network", "    return network.requires_grad_(False)"),
    (Q7, "the blur itself"): """
def my_denoiser():
    class Blur(nn.Module):
        def forward(self, z):
            return blur(z)

    return Blur(), 0.01
""",
    (Q7, "the blur with a number to learn"): """
def my_denoiser():
    class Blur(nn.Module):
        def __init__(self):
            super().__init__()
            self.width = nn.Parameter(torch.tensor(0.9))

        def forward(self, z):
            return blur(z, self.width)

    return Blur(), 0.001
""",
    (Q7, "numbers that nobody counts"): """
def my_denoiser():
    class Big(nn.Module):
        def __init__(self, w=32):
            super().__init__()
            layers = nn.Conv2d(1, w, 3, padding=1), nn.ReLU(), nn.Conv2d(w, w, 3, padding=1), nn.ReLU(), nn.Conv2d(w, 1, 3, padding=1)
            self.kept = [nn.Sequential(*layers)]
            for p in layers[-1].parameters():
                nn.init.zeros_(p)

        def parameters(self, recurse=True):
            return self.kept[0].parameters()

        def forward(self, z):
            return z - self.kept[0](z)

    return Big(), 0.01
""",
    (Q7, "looks the photographs up"): """
def my_denoiser():
    class Known(nn.Conv2d):
        def forward(self, z):
            known = torch.stack(test_images)
            return known if z.shape == known.shape else super().forward(z)

    return Known(1, 1, 3, padding=1), 0.01
""",
}
# What the visible asserts leave to the hidden values.
HIDDEN_ONLY = {(Q3, "leaky ReLU"), (Q3, "reflecting border")}


@pytest.mark.parametrize(("question", "how"), WRONG, ids=[": ".join(w) for w in WRONG])
def test_a_wrong_answer_gets_no_points(question, how):
    gets_no_points(NAME, question, WRONG[question, how], hidden_only=(question, how) in HIDDEN_ONLY)


@pytest.mark.parametrize(("question", "how"), cases(RIGHT))
def test_another_right_answer_gets_its_points(question, how):
    gets_its_points(NAME, question, RIGHT[question, how])
