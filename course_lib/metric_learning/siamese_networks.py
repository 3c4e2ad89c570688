"""Networks that turn a picture into a point: a short stack of convolutions, and a projection to the embedding.

Chapter: book/metric_learning/siamese_networks.ipynb
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .._checks import check_images


class EmbeddingNet(nn.Module):
    """``e = g(z) / |g(z)|``: four convolutions, pooled to 3 x 3 cells, projected to ``dims`` numbers, on unit length.

    "Siamese" is not an architecture: the two networks of the drawings are this one network, called twice.

    Args:
        dims: length of the embedding.
        width: channels of the first layer; later ones have up to four times as many.
        channels: 1 for grey pictures.
        normalise: put the embedding on the unit sphere; otherwise it may grow at will.

    Shape:
        z: (B, channels, H, W), float in [0, 1], H and W at least 24 -> (B, dims)

    Raises:
        ValueError: what is no image batch, a wrong channel count, NaN, grey levels of 255, an image too small.

    Example:
        >>> import torch
        >>> EmbeddingNet(dims=16, width=4)(torch.rand(2, 1, 48, 48)).shape
        torch.Size([2, 16])
    """

    def __init__(self, dims: int = 64, width: int = 24, channels: int = 1, normalise: bool = True):
        super().__init__()
        self.channels, self.normalise = channels, normalise
        self.body = nn.Sequential(
            nn.Conv2d(channels, width, 5, stride=2, padding=2),
            *conv_bn_relu(width, width, first=True),
            *conv_bn_relu(width, 2 * width),
            nn.MaxPool2d(2),
            *conv_bn_relu(2 * width, 4 * width),
            nn.MaxPool2d(2),
            *conv_bn_relu(4 * width, 4 * width),
            nn.AdaptiveAvgPool2d(3),
            nn.Flatten(),
        )
        self.head = nn.Linear(9 * 4 * width, dims)

    def forward_features(self, z: Tensor) -> Tensor:
        """What the last convolution sees, (B, 36 width): the latent code that a classifier uses."""
        check_images(z, "z", channels=self.channels)
        if min(z.shape[-2:]) < 24:
            raise ValueError(f"z must be at least 24 x 24, got {tuple(z.shape[-2:])}")
        # Every picture on the same footing: brightness and contrast say more about the lamp than about the person.
        z = (z - z.mean((1, 2, 3), keepdim=True)) / (z.std((1, 2, 3), keepdim=True) + 0.02)
        return self.body(z)

    def forward(self, z: Tensor) -> Tensor:
        e = self.head(self.forward_features(z))
        return F.normalize(e.float(), dim=1) if self.normalise else e


class Classifier(nn.Module):
    """`EmbeddingNet` with one output for each known person instead of a projection: identification as classification.

    Args:
        people: outputs, one for each known person.
        dims: as in `EmbeddingNet`.
        width: as in `EmbeddingNet`.
        channels: as in `EmbeddingNet`.

    Shape: z (B, channels, H, W) -> logits (B, people). Raises: as `EmbeddingNet`.
    """

    def __init__(self, people: int, dims: int = 64, width: int = 24, channels: int = 1):
        super().__init__()
        self.net = EmbeddingNet(dims, width, channels, normalise=False)
        self.last = nn.Linear(dims, people)

    def embed(self, z: Tensor) -> Tensor:
        """The latent code, (B, dims): what the last layer decides on."""
        return self.net(z).relu()

    def forward(self, z: Tensor) -> Tensor:
        return self.last(self.embed(z))


class CosineClassifier(nn.Module):
    """A classifier of directions: its outputs are the cosines between the embedding and a centre for each person.

    Each centre is a point on the unit sphere, as the embedding is. So what decides who it is, is the same angle that
    compares two pictures of people who are in no list. For `arcface_loss`.

    Two things let it get started. Batch norm before the sphere, as in ArcFace's own network: an untrained network puts
    all pictures in nearly one direction. And centres that are short at first: how fast a direction turns depends on
    the length of what is normalised, and a centre is pulled only when its person is in the batch.

    Args:
        people: centres, one for each known person.
        dims: as in `EmbeddingNet`.
        width: as in `EmbeddingNet`.
        channels: as in `EmbeddingNet`.

    Shape: z (B, channels, H, W) -> cosines (B, people), at least float32. Raises: as `EmbeddingNet`.
    """

    def __init__(self, people: int, dims: int = 64, width: int = 24, channels: int = 1):
        super().__init__()
        self.net = EmbeddingNet(dims, width, channels, normalise=False)
        self.norm = nn.BatchNorm1d(dims, affine=False)
        self.centres = nn.Parameter(0.03 * torch.randn(people, dims))

    def embed(self, z: Tensor) -> Tensor:
        """The embedding, (B, dims), on unit length."""
        return F.normalize(self.norm(self.net(z).float()), dim=1)

    def forward(self, z: Tensor) -> Tensor:
        e = self.embed(z)
        with torch.autocast(z.device.type, enabled=False):  # half precision loses angles of a degree or two
            return e @ F.normalize(self.centres.to(e.dtype), dim=1).T


def conv_bn_relu(before: int, after: int, first: bool = False) -> list[nn.Module]:
    """3 x 3 convolution, batch norm, ReLU; ``first``: without the convolution, for what has one already."""
    norm = [nn.BatchNorm2d(after), nn.ReLU(inplace=True)]
    return norm if first else [nn.Conv2d(before, after, 3, padding=1, bias=False), *norm]
