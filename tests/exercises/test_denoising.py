"""The denoising questions: right answers of every kind get their points, wrong ones do not.

A wrong answer is the master's with one thing changed. It has to fail the visible asserts, or the hidden values; and
most have to fail the hidden values alone, because asserts in a student's process can be patched.
"""

import pytest
from right_denoising import RIGHT
from variants import cases, gets_its_points, gets_no_points

NAME = "denoising"
Q1, Q2, Q3, Q4, Q5, Q6, Q7 = (f"{NAME}-{i}" for i in range(1, 8))


def block(value: str) -> str:
    """A residual block that gives back ``value``."""
    return f"""
class ResidualBlock(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.c1, self.b1 = nn.Conv2d(width, width, 3, padding=1, bias=False), nn.BatchNorm2d(width)
        self.c2, self.b2 = nn.Conv2d(width, width, 3, padding=1, bias=False), nn.BatchNorm2d(width)
        nn.init.zeros_(self.b2.weight)

    def forward(self, x):
        return {value}
"""


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
    (Q1, "twelve uniform numbers"): (
        "torch.randn(y.shape, generator=generator, dtype=y.dtype)",
        "(torch.rand(12, *y.shape, generator=generator, dtype=y.dtype).sum(0) - 6)",
    ),
    (Q1, "whole grey levels of noise"): (
        "y + sigma / 255 / math.sqrt(shots) * noise",
        "y + (sigma / math.sqrt(shots) * noise).round() / 255",
    ),
    (Q1, "a tile that is repeated"): (
        "torch.randn(y.shape, generator=generator, dtype=y.dtype)",
        "torch.randn((*y.shape[:2], 50, 50), generator=generator, dtype=y.dtype).repeat(1, 1, 50, 50)[..., :y.shape[2], :y.shape[3]]",
    ),
    (Q1, "the lower half is the upper one once more"): (
        "    return y +",
        "    half = y.shape[2] // 2\n    noise[:, :, half : 2 * half] = noise[:, :, :half]\n    return y +",
    ),
    (Q1, "the lower half turned round"): (
        "    return y +",
        "    half = y.shape[2] // 2\n    noise[:, :, half : 2 * half] = -noise[:, :, :half].flip(2)\n    return y +",
    ),
    (Q1, "seeds torch's own generator"): (
        "torch.randn(y.shape, generator=generator, dtype=y.dtype)",
        "torch.manual_seed(torch.randint(2**31, (1,), generator=generator).item()) and torch.randn(y.shape, dtype=y.dtype)",
    ),
    (Q1, "outliers cut at three deviations"): (
        "torch.randn(y.shape, generator=generator, dtype=y.dtype)",
        "torch.randn(y.shape, generator=generator, dtype=y.dtype).clamp(-3, 3)",
    ),
    (Q1, "one shot less"): ("math.sqrt(shots)", "math.sqrt(max(shots - 0.1, 1))"),
    (Q1, "the mean taken out"): ("* noise", "* (noise - noise.mean((2, 3), keepdim=True))"),
    (Q2, "of the grey picture"): (
        "error = (y_hat.clamp(0, 1) - y).flatten(1)",
        "error = (y_hat.clamp(0, 1) - y).mean(1).flatten(1)",
    ),
    (Q2, "the mean over the channels of their PSNR"): (
        "error = (y_hat.clamp(0, 1) - y).flatten(1)\n    return -10 * error.square().mean(1).log10()",
        "error = (y_hat.clamp(0, 1) - y).flatten(2)\n    return (-10 * error.square().mean(2).log10()).mean(1)",
    ),
    (Q2, "without the border"): ("- y).flatten(1)", "- y)[..., 1:-1, 1:-1].flatten(1)"),
    (Q2, "at most 100 dB"): (
        "return -10 * error.square().mean(1).log10()",
        "return (-10 * error.square().mean(1).log10()).clamp(max=100.5).where(error.square().mean(1) > 0, torch.tensor(math.inf))",
    ),
    (Q2, "a number for one image"): (
        "return -10 * error.square().mean(1).log10()",
        "return (-10 * error.square().mean(1).log10()).squeeze()",
    ),
    (Q2, "the mean removed"): (
        ".flatten(1)\n",
        ".flatten(1)\n    error = error - error.mean(1, keepdim=True) * (error.std(1, keepdim=True) > 0.15)\n",
    ),
    (Q2, "the first three images"): (
        "error = (y_hat.clamp(0, 1) - y).flatten(1)",
        "error = (y_hat.clamp(0, 1) - y).flatten(1)[:3]",
    ),
    (Q3, "ReLU first"): block("x + self.b2(self.c2(self.b1(self.c1(F.relu(x)))))"),
    (Q3, "ReLU before the batch norm"): block("x + self.b2(self.c2(self.b1(F.relu(self.c1(x)))))"),
    (Q3, "ReLU twice"): block("x + self.b2(self.c2(F.relu(self.b1(F.relu(self.c1(x))))))"),
    (Q3, "GELU"): block("x + self.b2(self.c2(F.gelu(self.b1(self.c1(x)))))"),
    (Q3, "ReLU up to 2"): block("x + self.b2(self.c2(self.b1(self.c1(x)).clamp(0, 2)))"),
    (Q3, "dropout in between"): block(
        "x + self.b2(self.c2(F.dropout(F.relu(self.b1(self.c1(x))), 0.1, self.training)))"
    ),
    (Q3, "circular border"): ("bias=False", "bias=False, padding_mode='circular'"),
    (Q3, "only in training"): block(
        "x + self.b2(self.c2(F.relu(self.b1(self.c1(x))))) if self.training else x + 0.999 * self.b2(self.c2(F.relu(self.b1(self.c1(x)))))"
    ),
    (Q3, "the second convolution frozen"): (
        "nn.init.zeros_(self.branch[-1].weight)",
        "nn.init.zeros_(self.branch[-1].weight)\n        self.branch[0].weight.requires_grad_(False)",
    ),
    (Q4, "image by image"): (
        "error = network(z) - (z - y)",
        "error = torch.cat([network(one[None]) for one in z]) - (z - y)",
    ),
    (Q4, "always in evaluation mode"): (
        "    error = network(z) - (z - y)",
        "    mode = getattr(network, 'training', None)\n    mode and network.eval()\n    error = network(z) - (z - y)\n    mode and network.train()",
    ),
    (Q4, "the loss of the clamped estimate"): ("network(z) - (z - y)", "(z - network(z)).clamp(0, 1) - y"),
    (Q4, "never negative decibels"): (
        "return -10 * math.log10(2 * loss / pixels)",
        "return max(0.0, -10 * math.log10(2 * loss / pixels))",
    ),
    (Q4, "an epsilon"): ("2 * loss / pixels)", "2 * loss / pixels + 1e-10)"),
    (Q4, "rounded to hundredths"): (
        "return -10 * math.log10(2 * loss / pixels)",
        "return round(-10 * math.log10(2 * loss / pixels), 2)",
    ),
    (Q4, "square patches alone"): ("2 * loss / pixels", "2 * loss / round(pixels**0.5) ** 2"),
    (Q5, "a level of at most 50"): ("sigma / 255", "sigma.clamp(max=51) / 255"),
    (Q5, "clipped"): ('mode="replicate")', 'mode="replicate").clamp(0, 1)'),
    (Q5, "a detached border"): (
        'even = F.pad(z, (0, z.shape[3] % 2, 0, z.shape[2] % 2), mode="replicate")',
        'even = F.pad(z.detach(), (0, z.shape[3] % 2, 0, z.shape[2] % 2), mode="replicate")\n    even = even + F.pad(z - z.detach(), (0, z.shape[3] % 2, 0, z.shape[2] % 2))',
    ),
    (Q5, "zeros for what is dark"): (
        "return torch.stack(parts, dim=2).flatten(1, 2)",
        "return F.relu(torch.stack(parts, dim=2).flatten(1, 2))",
    ),
    (Q6, "a light meter around it"): """
def bias_free(network):
    class Metered(nn.Module):
        def __init__(self):
            super().__init__()
            self.inside = copy.deepcopy(network).eval()

        def forward(self, z):
            light = z.flatten(1).norm(dim=1).view(-1, 1, 1, 1)
            return light * self.inside(z / light.clamp(min=1e-12))

    return Metered().eval()
""",
    (Q6, "no ReLU either"): """
def bias_free(network):
    network = copy.deepcopy(network).eval()
    for layer in network.modules():
        if getattr(layer, "bias", None) is not None:
            nn.init.zeros_(layer.bias)
        if isinstance(layer, nn.BatchNorm2d):
            layer.running_mean.zero_()
        for name, child in layer.named_children():
            if isinstance(child, nn.ReLU):
                setattr(layer, name, nn.Identity())
    return network
""",
    (Q6, "layers that are built anew"): """
def bias_free(network):
    def rebuilt(layer):
        if isinstance(layer, nn.Sequential):
            return nn.Sequential(*map(rebuilt, layer))
        if isinstance(layer, nn.Conv2d):
            new = nn.Conv2d(layer.in_channels, layer.out_channels, layer.kernel_size, padding=layer.padding, bias=False)
            new.weight.data = layer.weight.data.clone()
            return new
        if isinstance(layer, nn.BatchNorm2d):
            new = nn.BatchNorm2d(layer.num_features)
            new.weight.data, new.running_var = layer.weight.data.clone(), layer.running_var.clone()
            new.bias.data.zero_()
            return new
        return nn.ReLU()
    return rebuilt(network).eval()
""",
    (Q6, "batch norms of the usual kind alone"): (
        "if isinstance(layer, (nn.Conv2d, nn.BatchNorm2d)) and layer.bias is not None:",
        "if isinstance(layer, nn.BatchNorm2d):\n            nn.init.zeros_(layer.bias)\n        if isinstance(layer, nn.Conv2d) and layer.bias is not None:",
    ),
    (Q6, "the epsilon added away"): ("layer.running_mean.zero_()", "layer.running_mean.zero_(); layer.eps = 0.0"),
}
# What the visible asserts leave to the hidden values.
HIDDEN_ONLY = {
    (Q1, "twelve uniform numbers"),
    (Q1, "outliers cut at three deviations"),
    (Q1, "one shot less"),
    (Q2, "at most 100 dB"),
    (Q2, "the mean removed"),
    (Q2, "the first three images"),
    (Q3, "only in training"),
    (Q4, "an epsilon"),
    (Q4, "rounded to hundredths"),
    (Q5, "a detached border"),
}


@pytest.mark.parametrize(("question", "how"), WRONG, ids=[": ".join(w) for w in WRONG])
def test_a_wrong_answer_gets_no_points(question, how):
    gets_no_points(NAME, question, WRONG[question, how], hidden_only=(question, how) in HIDDEN_ONLY)


@pytest.mark.parametrize(("question", "how"), cases(RIGHT))
def test_another_right_answer_gets_its_points(question, how):
    gets_its_points(NAME, question, RIGHT[question, how])
