"""The backbone of the pretext tasks: the paper's sizes, and features of every block."""

import pytest
import torch

from course_lib.pretext_tasks import NIN, Classifier, ResNet18


def parameters(model) -> int:
    return sum(p.numel() for p in model.parameters())


def test_nin_has_the_paper_s_layers():
    """Counted by hand from the paper's network: kernels, then two numbers of batch norm for each filter."""
    kernels = 25 * 3 * 192 + 192 * 160 + 160 * 96 + 25 * 96 * 192 + 2 * 192**2 + 2 * (9 + 1 + 1) * 192**2
    assert parameters(NIN(blocks=4)) == kernels + 2 * (192 + 160 + 96 + 9 * 192)


def test_resnet18_is_torchvision_s_but_for_the_start_and_the_end():
    from torchvision.models import resnet18

    theirs = resnet18()
    expected = parameters(theirs) - parameters(theirs.fc) - theirs.conv1.weight.numel() + 64 * 3 * 9
    assert parameters(ResNet18()) == expected


@pytest.mark.parametrize(
    "net", [NIN(3, 12), NIN(5, 12, channels=1), ResNet18(4)], ids=["nin-3", "nin-5-grey", "resnet"]
)
def test_forward_is_the_last_of_the_features_and_widths_tell_their_channels(net):
    x = torch.rand(2, net.channels, 24, 20)
    outputs = net.eval().forward_features(x)
    assert [f.shape[1] for f in outputs] == net.widths
    torch.testing.assert_close(net(x), outputs[-1])
    assert Classifier(net, classes=7)(x).shape == (2, 7)


def test_gradients_reach_every_parameter():
    model = Classifier(NIN(4, 12), classes=4)
    model(torch.rand(4, 3, 16, 16)).square().sum().backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in model.parameters())


@pytest.mark.parametrize("x", [torch.rand(2, 1, 16, 16), torch.full((2, 3, 16, 16), 128.0), torch.rand(3, 16, 16)])
def test_what_is_no_picture_is_refused(x):
    with pytest.raises(ValueError, match="x must"):
        NIN(3, 12)(x)


@pytest.mark.parametrize("sizes", [{"blocks": 0}, {"width": 1}])
def test_a_network_of_nothing_is_refused(sizes):
    with pytest.raises(ValueError, match="at least 1 block"):
        NIN(**sizes)
