"""Networks whose layers can be asked for by name: SqueezeNet, which is part of the library, and VGG-19.

Chapters: book/projects/style_transfer.ipynb, book/projects/deep_dream.ipynb
"""

from collections.abc import Callable, Iterable
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ..data import DataError

MEAN, DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # of ImageNet's pixels, as torchvision's weights expect
SQUEEZENET = Path(__file__).with_name("squeezenet1_1.safetensors")
# channels of VGG-19's convolutions, block by block
BLOCKS = ((64, 64), (128, 128), (256,) * 4, (512,) * 4, (512,) * 4)


class NamedLayers(nn.Module):
    """A chain of layers; ``network(x, "fire2", "fire5")`` runs as far as it must and hands back what was asked for.

    Its weights are fixed, what changes in this part of the course is the picture.

    Args:
        layers: one after the other, each with a name, or "" for what nobody asks for.
        content: the layer that says *what* is in a picture, by default.
        style: the layers that say how it is painted, by default.
        odd: repeat the last row and column of an even picture. A first convolution with stride 2 and no padding does
            not reach them, and no gradient comes back to what was never looked at.

    Attributes:
        names: of all layers that can be asked for, first to last.

    Shape:
        x: (B, 3, H, W), RGB, float in [0, 1] -> a list of (B, C, h, w), one for each name

    Raises:
        ValueError: no name or an unknown one, what is no picture in colour.
    """

    def __init__(
        self, layers: Iterable[tuple[str, nn.Module]], content: str, style: tuple[str, ...], odd: bool = False
    ):
        super().__init__()
        names, chain = zip(*layers, strict=True)
        self.chain, self.content, self.style, self.odd = nn.ModuleList(chain), content, style, odd
        self._place = {name: k for k, name in enumerate(names) if name}
        self.names = tuple(self._place)
        for layer in self.chain.modules():
            if isinstance(layer, nn.ReLU):
                layer.inplace = (
                    False  # it would change the output of the layer before, which somebody may have asked for
                )
        self.register_buffer("mean", torch.tensor(MEAN).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("deviation", torch.tensor(DEVIATION).view(1, 3, 1, 1), persistent=False)
        self.eval().requires_grad_(False)

    def forward(self, x: Tensor, *wanted: str) -> list[Tensor]:
        # no look at the values: a line search goes through points that are no pictures
        if x.ndim != 4 or x.shape[1] != 3:
            raise ValueError(f"x must be pictures in colour (B, 3, H, W), got {tuple(x.shape)}")
        unknown = [name for name in wanted if name not in self._place]
        if unknown or not wanted:
            raise ValueError(f"wanted must be some of {', '.join(self.names)}, got {', '.join(unknown) or 'none'}")
        if self.odd:
            x = F.pad(x, (0, 1 - x.shape[3] % 2, 0, 1 - x.shape[2] % 2), mode="replicate")
        x, places, kept = (x - self.mean) / self.deviation, [self._place[name] for name in wanted], {}
        for k, layer in enumerate(self.chain[: max(places) + 1]):
            x = layer(x)
            if k in places:
                kept[k] = x
        return [kept[k] for k in places]

    def layer(self, name: str) -> Callable[[Tensor], Tensor]:
        """The function from a picture to that layer's output."""
        return lambda x: self(x, name)[0]


def squeezenet(trained: bool = True, seed: int = 0) -> NamedLayers:
    """SqueezeNet 1.1: ``relu1``, ``fire2`` to ``fire9``, and ``logits``, a map for each of ImageNet's 1,000 classes.

    1,235,496 weights, in half precision 2.5 MB, which the library brings along. A *fire* module squeezes by a 1 x 1
    convolution and expands by 1 x 1 and 3 x 3. It halves the picture four times; the smallest it takes has 17 pixels.

    Args:
        trained: on ImageNet; otherwise random weights, drawn with ``seed``.

    Iandola et al., 2016, https://arxiv.org/abs/1602.07360 (weights: BSD licence, see LICENSE)
    """
    from safetensors.torch import load_file
    from torchvision.models import squeezenet1_1

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = squeezenet1_1(weights=None)
    if trained:
        network.load_state_dict({name: weight.float() for name, weight in load_file(SQUEEZENET).items()})
    names = ("", "relu1", "", "fire2", "fire3", "", "fire4", "fire5", "", "fire6", "fire7", "fire8", "fire9", "logits")
    style = ("relu1", "fire2", "fire3", "fire4", "fire5")
    chain = zip(names, [*network.features, network.classifier[1]], strict=True)
    return NamedLayers(chain, content="fire2", style=style, odd=True)


def vgg19(trained: bool = True, seed: int = 0) -> NamedLayers:
    """The convolutions of VGG-19, the network of Gatys' paper: ``relu1_1`` to ``relu5_4`` and ``pool1`` to ``pool5``.

    As in the paper the pools take the mean instead of the maximum.

    Args:
        trained: on ImageNet: torchvision's file of 548 MB, which torch keeps in its cache after the first time;
            otherwise random weights, drawn with ``seed``.

    Raises: ``DataError`` if the file cannot be had.

    Simonyan and Zisserman, ICLR 2015, https://arxiv.org/abs/1409.1556
    """
    layers, before = [], 3
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        for block, widths in enumerate(BLOCKS, 1):
            for k, after in enumerate(widths, 1):
                conv = nn.Conv2d(before, after, 3, padding=1)
                nn.init.kaiming_normal_(conv.weight, nonlinearity="relu")
                nn.init.zeros_(conv.bias)
                layers += [("", conv), (f"relu{block}_{k}", nn.ReLU())]
                before = after
            layers.append((f"pool{block}", nn.AvgPool2d(2)))
    network = NamedLayers(layers, content="relu4_2", style=tuple(f"relu{block}_1" for block in range(1, 6)))
    if trained:
        network.chain.load_state_dict(_torchvision_vgg19())
    return network


def _torchvision_vgg19() -> dict[str, Tensor]:
    """The weights of the convolutions alone: nine tenths of the file belong to three dense layers."""
    from torchvision.models import VGG19_Weights

    url = VGG19_Weights.IMAGENET1K_V1.url
    try:
        weights = torch.hub.load_state_dict_from_url(url, map_location="cpu", progress=False, check_hash=True)
    except (OSError, RuntimeError) as error:  # no network or no room on the disk; a wrong hash
        raise DataError(
            f"VGG-19: its weights cannot be had from {url}: {error}. They are 548 MB; put the file into "
            f"{torch.hub.get_dir()}/checkpoints yourself, or use squeezenet(), whose weights are part of the library"
        ) from error
    return {name.removeprefix("features."): w for name, w in weights.items() if name.startswith("features.")}
