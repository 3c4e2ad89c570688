"""The denoising questions: right answers of every kind get their points, wrong ones do not.

A wrong answer is the master's with one thing changed. It has to fail the visible asserts, or the hidden values; and
most have to fail the hidden values alone, because asserts in a student's process can be patched.
"""

import pytest
from variants import gets_its_points, gets_no_points

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
}
# What the visible asserts leave to the hidden values.
HIDDEN_ONLY = {(Q3, "leaky ReLU"), (Q3, "reflecting border")}

# Other right answers, whole.
RIGHT = {
    (Q1, "draws every recording"): """
def observe(y, sigma, shots, generator):
    recordings = [y + sigma / 255 * torch.randn(y.shape, generator=generator) for _ in range(shots)]
    return torch.stack(recordings).mean(0)
""",
    (Q2, "spelled out"): """
def psnr(y_hat, y):
    errors = torch.stack([(a.clip(0, 1) - b).pow(2).mean() for a, b in zip(y_hat, y)])
    return 20 * torch.log10(1 / errors.sqrt())
""",
    (Q3, "attributes in another order, ReLU in place"): """
class ResidualBlock(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.norm2, self.norm1 = nn.BatchNorm2d(width), nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, padding="same", bias=False)
        self.conv1 = nn.Conv2d(width, width, (3, 3), padding=1, bias=False)
        for conv in (self.conv1, self.conv2):
            nn.init.kaiming_normal_(conv.weight)
        self.norm2.weight.data.fill_(0)

    def forward(self, x):
        return self.norm2(self.conv2(F.relu(self.norm1(self.conv1(x)), inplace=True))) + x
""",
    (Q4, "the library's squares, tensors for numbers"): """
def dncnn_loss(network, z, y):
    return 0.5 * F.mse_loss(network(z), z - y, reduction="sum") / z.shape[0]

def loss_to_psnr(loss, pixels):
    return 10 * torch.log10(torch.tensor(pixels / (2 * loss)))
""",
    (Q5, "torch's own"): """
def unshuffle(x):
    return F.pixel_unshuffle(x, 2)

def ffdnet_input(z, sigma):
    z = torch.cat([z, z[..., -1:, :]], 2) if z.shape[2] % 2 else z
    z = torch.cat([z, z[..., -1:]], 3) if z.shape[3] % 2 else z
    x = unshuffle(z)
    return torch.cat([x, torch.ones_like(x[:, :1]) * (sigma / 255)[:, None, None, None]], 1)
""",
    (Q6, "no biases at all"): """
def bias_free(network):
    network = copy.deepcopy(network)
    for layer in network.modules():
        if hasattr(layer, "bias"):
            layer.bias = None
        if hasattr(layer, "running_mean"):
            layer.running_mean = torch.zeros_like(layer.running_mean)
    network.eval()
    return network
""",
    (Q7, "two wide layers"): """
def my_denoiser():
    class Residual(nn.Sequential):
        def forward(self, z):
            return z - super().forward(z)

    network = Residual(nn.Conv2d(1, 64, 3, padding=1), nn.ReLU(), nn.Conv2d(64, 1, 3, padding=1))
    for p in network[-1].parameters():
        p.data.zero_()
    return network, 0.01
""",
}


@pytest.mark.parametrize(("question", "how"), WRONG, ids=[": ".join(w) for w in WRONG])
def test_a_wrong_answer_gets_no_points(question, how):
    gets_no_points(NAME, question, *WRONG[question, how], hidden_only=(question, how) in HIDDEN_ONLY)


@pytest.mark.parametrize(("question", "how"), RIGHT, ids=[": ".join(r) for r in RIGHT])
def test_another_right_answer_gets_its_points(question, how):
    gets_its_points(NAME, question, RIGHT[question, how], seeds=(1,) if question == Q7 else (1, 12345))
