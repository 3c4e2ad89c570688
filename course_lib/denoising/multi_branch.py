"""Multi-branch DnCNN: three denoisers in a row, each of which subtracts what it finds.

From the student report on the N-HPatches coursework (noisy patches); DnCNN: Zhang et al., IEEE TIP 2017.
Chapter: book/denoising/dncnn.ipynb
"""

from torch import Tensor, nn

from .._checks import check_images


class MultiBranchDnCNN(nn.Module):
    """``x <- x - f_b(x)`` for branches b = 1, 2, 3, from large kernels and few layers to small kernels and many.

    A branch is a 9 x 9 convolution + ReLU, then ``nodes[b]`` times (convolution + batch norm + ReLU) with kernels of
    ``kernels[b]``, then one convolution back to an image. The report states 5,805,057 parameters and leaves out which
    layers carry biases and how a branch ends. Read like DnCNN (no bias before a batch norm, the last kernel as those
    before it), the network has 5,830,019, 0.4 % more.

    Args:
        width: filters per layer.
        nodes: convolutions with batch norm in each branch.
        kernels: their size.
        channels: 1 for grey images, 3 for colour.

    Shape:
        z: (B, channels, H, W), float in [0, 1] plus noise, any size -> (B, channels, H, W)

    Raises:
        ValueError: on branches that do not match, even kernels, what is no image batch.

    Example:
        >>> import torch
        >>> MultiBranchDnCNN(width=4)(torch.rand(1, 1, 5, 7)).shape
        torch.Size([1, 1, 5, 7])
    """

    def __init__(
        self,
        width: int = 128,
        nodes: tuple[int, ...] = (3, 5, 9),
        kernels: tuple[int, ...] = (7, 5, 3),
        channels: int = 1,
    ):
        super().__init__()
        if len(nodes) != len(kernels) or any(k % 2 == 0 for k in kernels):
            raise ValueError(f"each branch needs a number of nodes and an odd kernel, got {nodes} and {kernels}")
        self.channels = channels
        self.branches = nn.ModuleList(_branch(width, n, k, channels) for n, k in zip(nodes, kernels, strict=True))

    def steps(self, z: Tensor) -> list[Tensor]:
        """The image after each branch; the last one is the output."""
        check_images(z, "z", channels=self.channels)
        images = []
        for branch in self.branches:
            z = z - branch(z)
            images.append(z)
        return images

    def forward(self, z: Tensor) -> Tensor:
        return self.steps(z)[-1]


def _branch(width: int, nodes: int, kernel: int, channels: int) -> nn.Sequential:
    layers = [nn.Conv2d(channels, width, 9, padding=4), nn.ReLU(inplace=True)]
    for _ in range(nodes):
        conv = nn.Conv2d(width, width, kernel, padding=kernel // 2, bias=False)
        layers += [conv, nn.BatchNorm2d(width), nn.ReLU(inplace=True)]
    last = nn.Conv2d(width, channels, kernel, padding=kernel // 2)
    for layer in layers:
        if isinstance(layer, nn.Conv2d):
            nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
    nn.init.zeros_(last.weight)  # training starts from y_hat = z
    nn.init.zeros_(last.bias)
    return nn.Sequential(*layers, last)
