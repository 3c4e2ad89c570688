"""Layers by name: against torchvision's own networks, a photograph whose content is known, and a server of our own."""

import hashlib
import http.server
import threading
from functools import partial

import pytest
import torch
from torch import nn
from torchvision.models import VGG19_Weights, squeezenet1_1
from torchvision.models.vgg import cfgs, make_layers

from course_lib import data
from course_lib.projects import NamedLayers, named_layers, squeezenet, vgg19

CATS = {281, 282, 283, 284, 285}  # of ImageNet's classes: tabby, tiger cat, Persian, Siamese, Egyptian
ESPRESSO, COFFEE_MUG, CUP = 967, 504, 968


@pytest.fixture(scope="module")
def trained():
    return squeezenet()


def test_the_weights_know_a_cat_and_a_cup(trained):
    for name, right in (("chelsea", CATS), ("coffee", {ESPRESSO, COFFEE_MUG, CUP})):
        (logits,) = trained(data.photographs(225, grey=False, names=[name])[name][None], "logits")
        assert int(logits.relu().mean((2, 3)).argmax()) in right


def test_squeezenet_is_torchvision_s(trained):
    theirs = squeezenet1_1(weights=None).eval()
    ours = dict(zip(theirs.state_dict(), trained.chain.state_dict().values(), strict=True))
    theirs.load_state_dict(ours)
    assert sum(weight.numel() for weight in ours.values()) == 1_235_496
    x = torch.rand(2, 3, 65, 65, generator=torch.Generator().manual_seed(0))
    (logits,) = trained(x, "logits")
    torch.testing.assert_close(logits.relu().mean((2, 3)), theirs((x - trained.mean) / trained.deviation))


def test_what_is_asked_for_beside_it_changes_no_layer(trained):
    x = torch.rand(1, 3, 33, 33, generator=torch.Generator().manual_seed(0))
    together = trained(x, *reversed(trained.names))
    for name, output in zip(reversed(trained.names), together, strict=True):
        torch.testing.assert_close(output, trained(x, name)[0], rtol=0, atol=0)
        torch.testing.assert_close(output, trained.layer(name)(x), rtol=0, atol=0)


@pytest.mark.parametrize("size", [(32, 32), (32, 33), (33, 32), (33, 33)])
def test_every_pixel_is_looked_at_whatever_the_size(trained, size):
    x = torch.rand(1, 3, *size, generator=torch.Generator().manual_seed(0)).requires_grad_()
    trained(x, "relu1")[0].sum().backward()
    assert (x.grad.abs().sum(1) > 0).all()


def test_random_weights_come_from_their_seed_and_leave_torch_s_luck_alone():
    torch.manual_seed(5)
    luck = torch.rand(3)
    torch.manual_seed(5)
    a, b, c = (squeezenet(trained=False, seed=seed).chain[0].weight for seed in (0, 0, 1))
    assert torch.equal(a, b) and not torch.equal(a, c)
    assert torch.equal(luck, torch.rand(3))


def test_vgg19_is_torchvision_s_with_means_for_pools():
    ours, theirs = vgg19(trained=False), make_layers(cfgs["E"])
    assert sum(weight.numel() for weight in ours.chain.state_dict().values()) == 20_024_384
    theirs.load_state_dict(ours.chain.state_dict())
    for k, layer in enumerate(theirs):
        if isinstance(layer, nn.MaxPool2d):
            theirs[k] = nn.AvgPool2d(2)
    x = torch.rand(1, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        torch.testing.assert_close(ours(x, "pool5")[0], theirs((x - ours.mean) / ours.deviation))
    assert ours.names[:5] == ("relu1_1", "relu1_2", "pool1", "relu2_1", "relu2_2") and len(ours.names) == 16 + 5


@pytest.fixture
def small_vgg19(tmp_path, monkeypatch):
    """A server with made-up weights of a narrow VGG-19 as torchvision would offer them; the folder that it serves."""
    monkeypatch.setattr(named_layers, "BLOCKS", ((2, 2), (3, 3), (4,) * 4, (4,) * 4, (4,) * 4))
    weights = {f"features.{name}": w + 1 for name, w in vgg19(trained=False).chain.state_dict().items()}
    torch.save(weights | {"classifier.0.weight": torch.zeros(2, 2)}, tmp_path / "made.pth")
    digest = hashlib.sha256((tmp_path / "made.pth").read_bytes()).hexdigest()[:8]
    (tmp_path / "made.pth").rename(tmp_path / f"vgg19-{digest}.pth")

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *args):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=tmp_path))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_port}/vgg19-{digest}.pth"
    monkeypatch.setattr(VGG19_Weights.IMAGENET1K_V1, "_value_", VGG19_Weights.IMAGENET1K_V1.value.__class__(
        url=url, transforms=None, meta={}))  # fmt: skip
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path / "cache"))
    yield tmp_path
    server.shutdown()
    server.server_close()


def test_vgg19_s_weights_are_fetched_once(small_vgg19):
    network = vgg19()
    untrained = vgg19(trained=False)
    torch.testing.assert_close(network.chain[0].weight, untrained.chain[0].weight + 1)
    (file,) = small_vgg19.glob("vgg19-*.pth")
    file.unlink()
    torch.testing.assert_close(vgg19().chain[0].weight, network.chain[0].weight)  # from the cache


@pytest.mark.parametrize("fault", ["changed on its way", "not there"])
def test_what_cannot_be_fetched_is_said(small_vgg19, fault):
    (file,) = small_vgg19.glob("vgg19-*.pth")
    file.write_bytes(file.read_bytes() + b"!") if fault == "changed on its way" else file.unlink()
    with pytest.raises(data.DataError, match=r"VGG-19: its weights cannot be had from http://127.*548 MB.*squeezenet"):
        vgg19()


def test_what_is_not_there_is_named():
    network = NamedLayers([("", nn.Conv2d(3, 2, 3)), ("relu", nn.ReLU())], "relu", ("relu",))
    x = torch.rand(1, 3, 8, 8)
    for wanted in ((), ("relu", "fire2")):
        with pytest.raises(ValueError, match="wanted must be some of relu, got"):
            network(x, *wanted)
    with pytest.raises(ValueError, match=r"x must be pictures in colour \(B, 3, H, W\), got \(1, 1, 8, 8\)"):
        network(x[:, :1], "relu")
