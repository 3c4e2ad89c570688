"""Convolutional autoencoders: squeeze the damaged image through a bottleneck and paint it again.

The student report that the chapter follows trained three dense ones, which differ in the decoder, and a fully
convolutional one. After Masci et al., ICANN 2011, https://doi.org/10.1007/978-3-642-21735-7_7
Chapter: book/denoising/autoencoders.ipynb
"""

from itertools import pairwise

from torch import Tensor, nn
from torch.nn import functional as F

from .._checks import check_images

DECODERS = {"strided": (64, 32, 16), "upsampled": (64, 32, 16), "pairs": (32, 16, 8)}  # kind -> feature maps


class ConvAutoencoder(nn.Module):
    """Convolutions, a dense bottleneck, and a decoder: ``y_hat = sigmoid(decode(encode(z)))``.

    The encoder has three blocks conv-conv-pool. The decoder doubles the side three times, by transposed
    convolutions of stride 2 (``strided``), by transposed convolutions each followed by nearest-neighbour
    upsampling (``upsampled``), or by pairs of convolutions followed by it (``pairs``). All kernels are 3x3, and
    every layer but the last is followed by batch norm and ReLU.

    The report gives 50,704,803 parameters for the first two decoders and 50,680,971 for the third. One layout
    has these counts: every layer keeps its bias although batch norm makes it redundant, the dense layers have
    batch norm too, and the second one returns to 8 x 8 x 64::

        encoder      287,008 + 896       9 c_in c_out + c_out for 3-32-32-64-64-128-128; 2 per map for batch norm
        dense     50,339,840 + 16,384    8192 x 4096 + 4096, then 4096 x 4096 + 4096; 2 per unit
        decoder       60,451 + 224       64-64-32-16, then 16-3
        or pairs      36,619 + 224       64-32-32-16-16-8-8, then 8-3: 23,832 fewer, and only from 64 maps

    Args:
        latent: numbers in the bottleneck.
        decoder: ``strided`` | ``upsampled`` | ``pairs``.
        widths: feature maps of the encoder's blocks; the decoder starts from ``widths[1]`` of them.
        size: side of the images, a multiple of 8: the dense layers fix it.
        channels: 3 for colour.

    Shape:
        z: (B, channels, size, size), float in [0, 1] plus noise -> the same shape, in (0, 1)

    Raises:
        ValueError: ``latent < 1``, an unknown decoder, a size that is no multiple of 8; images of another size,
            dtype or range. Batch norm after a dense layer cannot train on a single image.

    Example:
        >>> import torch
        >>> ConvAutoencoder(latent=10, size=16).eval()(torch.zeros(1, 3, 16, 16)).shape
        torch.Size([1, 3, 16, 16])
    """

    def __init__(
        self,
        latent: int = 4096,
        decoder: str = "strided",
        widths: tuple[int, int, int] = (32, 64, 128),
        size: int = 64,
        channels: int = 3,
    ):
        super().__init__()
        if latent < 1:
            raise ValueError(f"latent must be at least 1, got {latent}")
        if decoder not in DECODERS:
            raise ValueError(f"decoder must be one of {', '.join(DECODERS)}, got {decoder!r}")
        if size < 8 or size % 8:
            raise ValueError(f"size must be a multiple of 8 (three poolings), got {size}")
        self.channels, self.size = channels, size
        seed = (widths[1], size // 8, size // 8)  # what the decoder grows from
        self.encoder = conv_pool_blocks(channels, widths)
        self.squeeze = dense_bn_relu(widths[2] * seed[1] * seed[2], latent)
        self.expand = nn.Sequential(dense_bn_relu(latent, seed[0] * seed[1] * seed[2]), nn.Unflatten(1, seed))
        maps = DECODERS[decoder]
        grow = {"strided": grow_strided, "upsampled": grow_upsampled, "pairs": grow_by_pairs}[decoder]
        self.decoder = nn.Sequential(*(grow(a, b) for a, b in pairwise((widths[1], *maps))))
        self.last = nn.Conv2d(maps[-1], channels, 3, padding=1)

    def encode(self, z: Tensor) -> Tensor:
        """The bottleneck: (B, latent), not negative."""
        check_images(z, "z", channels=self.channels)
        if z.shape[2:] != (self.size, self.size):
            raise ValueError(f"z must be {self.size} x {self.size}, got {tuple(z.shape)}: dense layers fix it")
        return self.squeeze(self.encoder(z).flatten(1))

    def decode(self, code: Tensor) -> Tensor:
        """The image that a code (B, latent) stands for."""
        return self.last(self.decoder(self.expand(code))).sigmoid()

    def forward(self, z: Tensor) -> Tensor:
        return self.decode(self.encode(z))


class FullyConvolutionalAutoencoder(nn.Module):
    """The same idea without a dense layer: the code stays a small image, ``H/8 x W/8 x widths[-1]``.

    At 64x64 these are 8 x 8 x 64 = 4096 numbers, as many as in the dense bottleneck, but each is computed from a
    neighbourhood and used for that neighbourhood. The output layer is 1x1. Any image size goes through.

    Args:
        widths: feature maps of the encoder's three conv-conv-pool blocks, then of the decoder's in ``maps``.
        channels: 3 for colour.

    Shape:
        z: (B, channels, H, W), float in [0, 1] plus noise -> the same shape, in (0, 1)

    Raises:
        ValueError: a wrong rank, dtype or channel count, NaN, or grey levels of 255.

    Example:
        >>> import torch
        >>> FullyConvolutionalAutoencoder()(torch.zeros(1, 3, 37, 50)).shape
        torch.Size([1, 3, 37, 50])
    """

    def __init__(
        self,
        widths: tuple[int, int, int] = (32, 48, 64),
        maps: tuple[int, int, int] = DECODERS["pairs"],
        channels: int = 3,
    ):
        super().__init__()
        self.channels = channels
        self.encoder = conv_pool_blocks(channels, widths)
        self.decoder = nn.Sequential(*(grow_by_pairs(a, b) for a, b in pairwise((widths[2], *maps))))
        self.last = nn.Conv2d(maps[-1], channels, 1)

    def encode(self, z: Tensor) -> Tensor:
        """The bottleneck: (B, widths[-1], ceil(H/8), ceil(W/8)), not negative."""
        check_images(z, "z", channels=self.channels)
        down, right = (-z.shape[2] % 8, -z.shape[3] % 8)
        return self.encoder(F.pad(z, (0, right, 0, down), mode="replicate"))

    def decode(self, code: Tensor) -> Tensor:
        """The image, 8 times as high and wide, that a code stands for."""
        return self.last(self.decoder(code)).sigmoid()

    def forward(self, z: Tensor) -> Tensor:
        return self.decode(self.encode(z))[:, :, : z.shape[2], : z.shape[3]]


def freeze_dense_norms(model: ConvAutoencoder) -> ConvAutoencoder:
    """The model, its dense layers' batch norms fixed at mean 0 and variance 1: a learnt scale and shift are left.

    A mean over the 32 pictures of a batch is off by a sixth of a unit's standard deviation, and that error would be
    added to every code. Convolutions average over thousands of positions and keep theirs. `training.fit` leaves such
    layers as they are.
    """
    for layer in (*model.squeeze, *model.expand[0]):
        if isinstance(layer, nn.Linear):  # what the norms would have set right
            nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
            nn.init.zeros_(layer.bias)
        elif isinstance(layer, nn.BatchNorm1d):
            layer.eval()
    return model


def conv_pool_blocks(channels: int, widths: tuple[int, ...]) -> nn.Sequential:
    """The encoder: (conv, conv, pool) for each width; every pooling halves the side."""
    blocks = [
        nn.Sequential(conv_bn_relu(a, b), conv_bn_relu(b, b), nn.MaxPool2d(2)) for a, b in pairwise((channels, *widths))
    ]
    return nn.Sequential(*blocks)


def grow_strided(a: int, b: int) -> nn.Sequential:
    """Twice the side by a transposed convolution of stride 2: it spreads every input pixel over 3x3 outputs."""
    conv = nn.ConvTranspose2d(a, b, 3, stride=2, padding=1, output_padding=1)
    return nn.Sequential(conv, nn.BatchNorm2d(b), nn.ReLU(inplace=True))


def grow_upsampled(a: int, b: int) -> nn.Sequential:
    """A transposed convolution of stride 1, then every pixel four times."""
    conv = nn.ConvTranspose2d(a, b, 3, padding=1)
    return nn.Sequential(conv, nn.BatchNorm2d(b), nn.ReLU(inplace=True), nn.Upsample(scale_factor=2))


def grow_by_pairs(a: int, b: int) -> nn.Sequential:
    """Two convolutions, then every pixel four times."""
    return nn.Sequential(conv_bn_relu(a, b), conv_bn_relu(b, b), nn.Upsample(scale_factor=2))


def conv_bn_relu(a: int, b: int) -> nn.Sequential:
    """3x3 convolution with bias, batch norm, ReLU."""
    return nn.Sequential(nn.Conv2d(a, b, 3, padding=1), nn.BatchNorm2d(b), nn.ReLU(inplace=True))


def dense_bn_relu(a: int, b: int) -> nn.Sequential:
    """Dense layer with bias, batch norm, ReLU."""
    return nn.Sequential(nn.Linear(a, b), nn.BatchNorm1d(b), nn.ReLU(inplace=True))
