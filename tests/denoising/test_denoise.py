"""`denoise` with any model: what it is given stays as it was, and what comes out is what the model itself says."""

import copy
import threading

import pytest
import torch
from hypothesis import given, reject, settings
from hypothesis import strategies as st
from torch import nn
from torch.nn import functional as F

from course_lib.denoising import (
    CBDNet,
    ClassAwareDenoiser,
    DnCNN,
    FFDNet,
    FullyConvolutionalAutoencoder,
    GatedConvDeconv,
    ShallowUNet,
    denoise,
    evaluate,
    with_sigma,
)
from course_lib.observation import Gaussian


def trained(net: nn.Module) -> nn.Module:
    """As after a training: no weight at zero, statistics of batch norms that matter."""
    torch.manual_seed(0)
    for layer in net.modules():
        if isinstance(layer, (nn.Conv2d, nn.ConvTranspose2d)):
            nn.init.kaiming_normal_(layer.weight)
        if isinstance(layer, nn.BatchNorm2d) and layer.running_var is not None:
            layer.running_mean.normal_(0, 0.3), layer.running_var.uniform_(0.5, 2)
            nn.init.uniform_(layer.weight, 0.5, 2), nn.init.normal_(layer.bias)
    return net


class Block(nn.Sequential):
    """A container of a user's own, with other arguments and another forward than its parent's."""

    def __init__(self, before, after):
        super().__init__(nn.Conv2d(before, after, 3, padding=1), nn.BatchNorm2d(after))

    def forward(self, x):
        return self[1](2 * self[0](x)).relu()


class HalfWay(nn.Module):
    """Takes what the convolution says before the batch norm, as perceptual losses do, and the whole as well."""

    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Conv2d(1, 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU(), nn.Conv2d(4, 1, 1))

    def forward(self, z):
        return self.body[0](z).mean(1, keepdim=True) + self.body[:2](z).mean(1, keepdim=True) + self.body(z)


def shared_convolution():
    conv = nn.Conv2d(1, 1, 3, padding=1)
    return nn.Sequential(conv, nn.BatchNorm2d(1), conv, nn.ReLU(), conv, nn.BatchNorm2d(1))


def batch_statistics():
    return nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4, track_running_stats=False), nn.Conv2d(4, 1, 1))


def weight_normalised():
    net = nn.Sequential(nn.Conv2d(1, 4, 3, padding=1), nn.BatchNorm2d(4), nn.Conv2d(4, 1, 1))
    nn.utils.parametrizations.weight_norm(net[0])
    return net


def with_a_hook():
    net = nn.Sequential(nn.Conv2d(1, 4, 3, padding=1), nn.BatchNorm2d(4), nn.Conv2d(4, 1, 1))
    net[0].register_forward_hook(lambda layer, args, output: 3 * output)
    return net


def with_a_forward_of_its_own():
    net = nn.Sequential(nn.Conv2d(1, 4, 3, padding=1), nn.BatchNorm2d(4), nn.Conv2d(4, 1, 1))
    plain = net[1].forward
    net[1].forward = lambda x: plain(x).abs()
    return net


def that_cannot_be_copied():
    net = nn.Sequential(nn.Conv2d(1, 4, 3, padding=1), nn.BatchNorm2d(4), nn.Conv2d(4, 1, 1))
    net.lock = threading.Lock()
    return net


MODELS = {
    "plain": lambda: DnCNN(4, 4),
    "own container": lambda: nn.Sequential(Block(1, 4), Block(4, 1)),
    "half way": HalfWay,
    "shared": shared_convolution,
    "batch statistics": batch_statistics,
    "weight norm": weight_normalised,
    "hook": with_a_hook,
    "own forward": with_a_forward_of_its_own,
    "no copy": that_cannot_be_copied,
    "in place": lambda: nn.Sequential(
        nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4, eps=0.1), nn.ReLU(True), nn.Conv2d(4, 1, 1)
    ),
    "double": lambda: DnCNN(4, 4).double(),
    "transposed": lambda: nn.Sequential(nn.ConvTranspose2d(1, 4, 3), nn.BatchNorm2d(4), nn.Conv2d(4, 1, 3)),
}


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("mode", [True, False])
def test_it_is_the_model_in_evaluation_mode_and_the_model_stays(name, mode):
    net = trained(MODELS[name]()).train(mode)
    z = torch.rand(2, 1, 9, 11).to(next(net.parameters()).dtype)
    before = {key: value.clone() for key, value in net.state_dict().items()}
    modes = [(id(layer), layer.training) for layer in net.modules()]
    own = [set(vars(layer)) for layer in net.modules()]
    y_hat = denoise(net, z)
    assert [(id(layer), layer.training) for layer in net.modules()] == modes
    assert [set(vars(layer)) for layer in net.modules()] == own
    after = net.state_dict()
    assert all(torch.equal(value, after[key]) for key, value in before.items())
    with torch.no_grad():
        torch.testing.assert_close(y_hat, net.eval()(z))


def test_a_frozen_layer_stays_frozen_and_hooks_see_what_they_saw():
    net, seen = trained(nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.Conv2d(4, 1, 1))), []
    net[1].eval()
    net[1].register_forward_hook(lambda layer, args, output: seen.append(output))
    z = torch.rand(1, 1, 7, 7)
    denoise(net, z)
    assert [layer.training for layer in net] == [True, False, True]
    torch.testing.assert_close(seen[0], net[1](net[0](z)))


def test_after_an_error_the_model_is_as_before():
    net = trained(DnCNN(4, 4)).train()
    net.last.forward = lambda x: 1 / 0
    with pytest.raises(ZeroDivisionError):
        denoise(net, torch.rand(1, 1, 8, 8))
    assert all(layer.training for layer in net.modules()) and all(
        "forward" not in vars(m) for m in net.middle.modules()
    )


def test_a_level_in_every_form():
    net, z = trained(FFDNet(3, 4)), torch.rand(2, 1, 9, 8)
    half = torch.full((2, 1, 9, 8), 0.1)
    half[..., 4:] = 0.4
    with torch.no_grad():
        for sigma in (0.1, torch.tensor([0.1, 0.3]), half):
            torch.testing.assert_close(denoise(net, z, sigma=sigma), net(z, sigma))
            torch.testing.assert_close(denoise(with_sigma(net, sigma), z), net(z, sigma))
            torch.testing.assert_close(with_sigma(net, sigma)(z), net(z, sigma))
        torch.testing.assert_close(denoise(net, z[0], sigma=half[0]), net(z, half)[0])
    assert net.training and denoise(with_sigma(net, 0.1), z[0]).shape == z[0].shape
    scores = evaluate(with_sigma(net, 0.1), [z[0], z[1]], Gaussian(0.1))
    torch.testing.assert_close(scores, evaluate(lambda z: denoise(net, z, sigma=0.1), [z[0], z[1]], Gaussian(0.1)))


def test_whatever_a_network_calls_the_level():
    class Theirs(nn.Module):
        def forward(self, x, noise_level):
            return x * (1 - noise_level)

    z = torch.rand(1, 3, 8, 8)
    torch.testing.assert_close(denoise(Theirs(), z, sigma=0.25), 0.75 * z)
    torch.testing.assert_close(denoise(lambda z, sigma: z - sigma, z, sigma=0.25), z - 0.25)
    net = trained(CBDNet(4))
    with torch.no_grad():
        expected = net(z, torch.full_like(z, 0.2))
    torch.testing.assert_close(denoise(net, z, sigma=0.2), expected)
    torch.testing.assert_close(denoise(net, z, sigma=torch.full((1, 1, 8, 8), 0.2)), expected)
    with pytest.raises(ValueError, match="DnCNN takes no noise level"):
        denoise(DnCNN(3, 4), z[:, :1], sigma=0.1)
    with pytest.raises(ValueError, match="ClassAwareDenoiser takes no noise level"):  # its second argument is a class
        denoise(ClassAwareDenoiser(2, 3, 8), z, sigma=0.1)
    with pytest.raises(ValueError, match="FFDNet must be told the noise level"):
        denoise(FFDNet(3, 4), z[:, :1])
    with pytest.raises(ValueError, match="divide by 255"):
        denoise(FFDNet(3, 4), z[:, :1], sigma=25)


def test_a_colour_picture_in_a_grey_network_is_three_grey_pictures():
    z, levels = torch.rand(2, 3, 8, 9), torch.tensor([0.1, 0.3])
    net = trained(FFDNet(3, 4))
    one_by_one = torch.cat([denoise(net, z[:, c : c + 1], sigma=levels) for c in range(3)], 1)
    torch.testing.assert_close(denoise(net, z, sigma=levels), one_by_one)
    torch.testing.assert_close(denoise(with_sigma(net, levels), z), one_by_one)
    each = torch.rand(2, 3, 8, 9) / 2
    by_map = torch.cat([denoise(net, z[:, c : c + 1], sigma=each[:, c : c + 1]) for c in range(3)], 1)
    torch.testing.assert_close(denoise(net, z, sigma=each), by_map)
    net = trained(DnCNN(3, 4))
    torch.testing.assert_close(denoise(net, z[0])[1:2], denoise(net, z[0, 1:2]))
    theirs = nn.Sequential(nn.Conv2d(1, 4, 3, padding=1), nn.Conv2d(4, 1, 1))
    torch.testing.assert_close(denoise(theirs, z, per_channel=True)[:, 2:], denoise(theirs, z[:, 2:]))
    with pytest.raises(ValueError, match="3 channel"):
        denoise(DnCNN(3, 4, channels=3), z[:, :1])


TILED = {
    "convolutions": lambda: nn.Sequential(
        *(nn.Conv2d(1, 3, 5, padding=4, dilation=2), nn.BatchNorm2d(3), nn.ReLU()),
        nn.Conv2d(3, 1, (3, 1), padding=(1, 0)),
    ),
    "reflected border": lambda: nn.Sequential(
        nn.Conv2d(1, 2, 5, padding=2, padding_mode="reflect"), nn.ReLU(), nn.Conv2d(2, 1, 1)
    ),
    "shifted": lambda: nn.Sequential(nn.ZeroPad2d((4, 0, 0, 2)), nn.Conv2d(1, 1, (3, 5))),
    "strides of 3": lambda: nn.Sequential(
        *(nn.ReplicationPad2d(1), nn.AvgPool2d(3, stride=1)),
        *(nn.PixelUnshuffle(3), nn.Conv2d(9, 9, 3, padding=1), nn.PixelShuffle(3)),
    ),
    "bilinear": lambda: nn.Sequential(
        nn.MaxPool2d(2), nn.Conv2d(1, 1, 3, padding=1), nn.Upsample(scale_factor=2, mode="bilinear")
    ),
    "unet": ShallowUNet,
    "gated": lambda: GatedConvDeconv(4, 4, channels=1),
    "autoencoder": lambda: FullyConvolutionalAutoencoder((2, 2, 2), (2, 2, 2), channels=1),
}
NETS = {}


@settings(max_examples=30, deadline=None)
@given(st.sampled_from(sorted(TILED)), st.integers(7, 40), st.integers(6, 40), st.integers(6, 40))
def test_tiles_are_the_whole_picture(name, tile, height, width):
    net = NETS.setdefault(name, trained(TILED[name]()))
    step = {"strides of 3": 3, "bilinear": 2}.get(name, 1)  # they take no other sizes
    z = torch.rand(1, 1, height * step, width * step, generator=torch.Generator().manual_seed(tile))
    try:
        whole = denoise(net, z)
    except RuntimeError:  # smaller than its border
        reject()
    torch.testing.assert_close(denoise(net, z, tile=tile), whole, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("shape", [(1, 1, 33, 47), (1, 3, 20, 21), (3, 26, 40)])
def test_tiles_with_a_map_and_colours(shape):
    net, z = trained(FFDNet(4, 4)), torch.rand(shape)
    for sigma in (0.2, torch.rand(*shape[:-3], 1, *shape[-2:]), torch.rand(shape)):
        torch.testing.assert_close(denoise(net, z, sigma=sigma, tile=8), denoise(net, z, sigma=sigma))


def test_no_piece_is_larger_than_the_tile_with_its_context():
    net, sizes = trained(DnCNN(4, 4)), []
    net.first.register_forward_pre_hook(lambda layer, args: sizes.append(tuple(args[0].shape[2:])))
    denoise(net, torch.rand(1, 1, 60, 100), tile=16)
    largest = [size for size in sizes if size != (96, 96)]  # the wires' own picture
    assert max(h for h, _ in largest) <= 16 + 8 and max(w for _, w in largest) <= 16 + 8 and len(largest) == 4 * 7


class LooksEverywhere(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv, self.pool = nn.Conv2d(1, 1, 3, padding=1), nn.AdaptiveAvgPool2d(1)

    def forward(self, z):
        return self.conv(z) + self.pool(z)


def test_tiles_that_cannot_fit_are_refused():
    z = torch.rand(1, 1, 32, 32)
    with pytest.raises(ValueError, match="in the layer 'pool'"):
        denoise(LooksEverywhere(), z, tile=8)
    assert denoise(LooksEverywhere(), z, tile=8, context=4).shape == z.shape  # at one's own risk
    with pytest.raises(ValueError, match="output of the picture's size"):
        denoise(nn.AvgPool2d(2), z, tile=8)
    with pytest.raises(ValueError, match="output of the picture's size"):
        denoise(nn.Conv2d(1, 1, 3), z, tile=8, context=2)
    with pytest.raises(ValueError, match="tile must be at least 1"):
        denoise(DnCNN(3, 4), z, tile=0)
    with pytest.raises(ValueError, match="function need a context"):
        denoise(lambda z: z, z, tile=8)
    box = lambda z: F.avg_pool2d(z, 3, 1, 1)  # noqa: E731
    torch.testing.assert_close(denoise(box, z, tile=7, context=1), box(z))


def test_a_mixed_precision_is_what_it_says_or_refused():
    net, z, seen = trained(DnCNN(3, 4)), torch.rand(1, 1, 8, 8), []
    net.last.register_forward_hook(lambda layer, args, output: seen.append(output.dtype))
    outputs = {precision: denoise(net, z, precision) for precision in ("no", "bf16", "fp16")}
    assert seen == [torch.float32, torch.bfloat16, torch.float16]
    for precision, tolerance in (("bf16", 0.1), ("fp16", 0.01)):
        torch.testing.assert_close(outputs[precision], outputs["no"], rtol=tolerance, atol=tolerance)
        assert outputs[precision].dtype == torch.float32
    with pytest.raises(ValueError, match="no, bf16, fp16, got 'half'"):
        denoise(net, z, "half")
    for other in (torch.float64, torch.bfloat16):
        with pytest.raises(ValueError, match="for weights in float32"):
            denoise(copy.deepcopy(net).to(other), z, "fp16")


def test_bound_methods_functions_and_pairs():
    net, z = trained(DnCNN(3, 4)).train(), torch.rand(1, 1, 8, 8)
    torch.testing.assert_close(z - denoise(net.noise, z), denoise(net, z))
    assert net.training
    torch.testing.assert_close(denoise(torch.neg, z), -z)
    with pytest.raises(ValueError, match="one tensor, the estimate, got tuple"):
        denoise(lambda z: (z, z), z)
    with pytest.raises(ValueError, match="torch.Tensor"):
        denoise(net, [[0.0]])
