"""Right answers to the denoising questions, written as differently as people write: every one keeps its points."""

Q1, Q2, Q3, Q4, Q5, Q6, Q7 = (f"denoising-{i}" for i in range(1, 8))

RIGHT = {
    (Q1, "draws every recording"): """
def observe(y, sigma, shots, generator):
    recordings = [y + sigma / 255 * torch.randn(y.shape, generator=generator) for _ in range(shots)]
    return torch.stack(recordings).mean(0)
""",
    (Q1, "the library's noise, weaker"): """
def observe(y, sigma, shots, generator):
    return Gaussian(sigma / 255 / shots**0.5)(y, generator)
""",
    (Q1, "torch.normal"): """
def observe(y, sigma, shots, generator):
    level = torch.full_like(y, sigma / (255 * math.sqrt(shots)))
    return torch.normal(y, level, generator=generator)
""",
    (Q1, "fills a tensor, in place, with all the shots at once"): """
def observe(y, sigma, shots, generator):
    noise = torch.empty(shots, *y.shape).normal_(0, sigma / 255, generator=generator)
    return noise.mean(0).add_(y)
""",
    (Q1, "a running mean"): """
def observe(y, sigma, shots, generator):
    mean = torch.zeros_like(y)
    for k in range(1, shots + 1):
        shot = y + sigma / 255 * torch.randn(y.shape, generator=generator)
        mean += (shot - mean) / k
    return mean
""",
    (Q2, "spelled out"): """
def psnr(y_hat, y):
    errors = torch.stack([(a.clip(0, 1) - b).pow(2).mean() for a, b in zip(y_hat, y)])
    return 20 * torch.log10(1 / errors.sqrt())
""",
    (Q2, "torch's loss"): """
def psnr(y_hat, y):
    squares = F.mse_loss(y_hat.clamp(0, 1), y, reduction="none")
    return -10 * torch.log10(squares.mean(dim=(1, 2, 3)))
""",
    (Q2, "einsum, in double precision"): """
def psnr(y_hat, y):
    e = torch.minimum(torch.maximum(y_hat, torch.zeros(())), torch.ones(())).double() - y.double()
    pixels = e[0].numel()
    return 10 * (pixels / torch.einsum("bchw,bchw->b", e, e)).log10()
""",
    (Q2, "in place, on a copy, with natural logarithms"): """
def psnr(y_hat, y):
    e = y_hat.clone().clamp_(0, 1).sub_(y).square_()
    return -10 / math.log(10) * e.flatten(1).mean(dim=-1).log()
""",
    (Q2, "numpy"): """
def psnr(y_hat, y):
    import numpy as np
    with np.errstate(divide="ignore"):
        e = np.clip(y_hat.detach().numpy(), 0, 1) - y.detach().numpy()
        return torch.as_tensor(-10 * np.log10((e**2).reshape(len(e), -1).mean(1)))
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
    (Q3, "a list of layers"): """
class ResidualBlock(nn.Module):
    def __init__(self, width):
        super().__init__()
        layers = []
        for _ in range(2):
            layers += [nn.Conv2d(width, width, 3, 1, 1, bias=False), nn.BatchNorm2d(width), nn.ReLU()]
        self.layers = nn.ModuleList(layers[:-1])
        with torch.no_grad():
            self.layers[-1].weight *= 0

    def forward(self, x):
        y = x
        for layer in self.layers:
            y = layer(y)
        return torch.add(x, y)
""",
    (Q3, "a Sequential itself"): """
class ResidualBlock(nn.Sequential):
    def __init__(self, width):
        last = nn.BatchNorm2d(width)
        nn.init.constant_(last.weight, 0.0)
        conv = lambda: nn.Conv2d(width, width, kernel_size=3, padding=1, bias=False)
        super().__init__(conv(), nn.BatchNorm2d(width), nn.ReLU(inplace=True), conv(), last)

    def forward(self, x):
        return x + super().forward(x)
""",
    (Q3, "two halves, and clamp for ReLU"): """
class ResidualBlock(nn.Module):
    def __init__(self, width):
        super().__init__()
        def half():
            return nn.Sequential(nn.Conv2d(width, width, 3, padding=1, bias=False), nn.BatchNorm2d(width))
        self.first, self.second = half(), half()
        self.second[1].weight = nn.Parameter(torch.zeros(width))

    def forward(self, x):
        out = self.second(self.first(x).clamp(min=0))
        out = out + x
        return out
""",
    (Q4, "the library's squares, tensors for numbers"): """
def dncnn_loss(network, z, y):
    return 0.5 * F.mse_loss(network(z), z - y, reduction="sum") / z.shape[0]

def loss_to_psnr(loss, pixels):
    return 10 * torch.log10(torch.tensor(pixels / (2 * loss)))
""",
    (Q4, "image by image"): """
def dncnn_loss(network, z, y):
    found = network(z)
    return sum((f - (a - b)).norm() ** 2 / 2 for f, a, b in zip(found, z, y)) / len(z)

def loss_to_psnr(loss, pixels):
    return 10 * (math.log10(pixels) - math.log10(2) - math.log10(loss))
""",
    (Q4, "by way of the estimate, einsum"): """
def dncnn_loss(network, z, y):
    e = (z - network(z)) - y
    return torch.einsum("nchw,nchw->", e, e) / 2 / len(z)

def loss_to_psnr(loss, pixels):
    import numpy as np
    return -20 * np.log10(np.sqrt(2 * loss / pixels))
""",
    (Q4, "the mean, and what it lacks"): """
def dncnn_loss(network, z, y):
    pixels = z[0].numel()
    return ((network(z) - z + y) ** 2).mean() * pixels * 0.5

def loss_to_psnr(loss, pixels):
    mse = loss * 2 / pixels
    return math.log(1 / mse, 10) * 10
""",
    (Q5, "an empty tensor to be filled"): """
def unshuffle(x):
    b, c, h, w = x.shape
    out = x.new_empty(b, 4 * c, h // 2, w // 2)
    for k in range(4):
        out[:, k::4] = x[:, :, k // 2 :: 2, k % 2 :: 2]
    return out

def ffdnet_input(z, sigma):
    z = torch.cat([z, z[..., -1:, :]], 2) if z.shape[2] % 2 else z
    z = torch.cat([z, z[..., -1:]], 3) if z.shape[3] % 2 else z
    x = unshuffle(z)
    return torch.cat([x, torch.ones_like(x[:, :1]) * (sigma / 255)[:, None, None, None]], 1)
""",
    (Q5, "views and a permutation"): """
def unshuffle(x):
    b, c, h, w = x.shape
    return x.view(b, c, h // 2, 2, w // 2, 2).permute(0, 1, 3, 5, 2, 4).reshape(b, 4 * c, h // 2, w // 2)

def ffdnet_input(z, sigma):
    h, w = z.shape[2:]
    rows, columns = ([*range(n)] + [n - 1] * (n % 2) for n in (h, w))
    small = unshuffle(z[:, :, rows][..., columns])
    maps = torch.stack([torch.full(small.shape[2:], s.item() / 255) for s in sigma])
    return torch.cat((small, maps[:, None]), dim=1)
""",
    (Q5, "a convolution with ones"): """
def unshuffle(x):
    c = x.shape[1]
    pick = torch.eye(4).view(4, 1, 2, 2).repeat(c, 1, 1, 1)
    return F.conv2d(x, pick, stride=2, groups=c)

def ffdnet_input(z, sigma):
    even = F.pad(z, (0, z.shape[-1] % 2, 0, z.shape[-2] % 2), "replicate")
    x = unshuffle(even)
    return torch.cat([x, sigma.div(255).reshape(-1, 1, 1, 1).repeat(1, 1, *x.shape[-2:])], 1)
""",
    (Q5, "torch's unfold"): """
def unshuffle(x):
    b, c, h, w = x.shape
    return F.unfold(x, 2, stride=2).view(b, 4 * c, h // 2, w // 2)

def ffdnet_input(z, sigma):
    if z.shape[2] % 2:
        z = torch.cat([z, z[:, :, -1:]], dim=2)
    if z.shape[3] % 2:
        z = torch.cat([z, z[:, :, :, -1:]], dim=3)
    x = unshuffle(z)
    level = torch.zeros(len(x), 1, x.shape[2], x.shape[3]) + sigma[:, None, None, None] / 255.0
    return torch.hstack([x, level])
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
    (Q6, "by the names of the numbers"): """
def bias_free(network):
    free = copy.deepcopy(network).train(False)
    with torch.no_grad():
        for name, number in free.state_dict().items():
            if name.endswith(("bias", "running_mean")):
                number.zero_()
    return free
""",
    (Q6, "a new state for a copy"): """
def bias_free(network):
    state = {k: torch.zeros_like(v) if k.split(".")[-1] in ("bias", "running_mean") else v for k, v in network.state_dict().items()}
    made = copy.deepcopy(network)
    made.load_state_dict(state)
    return made.eval()
""",
    (Q6, "with apply"): """
def bias_free(network):
    def mute(layer):
        if getattr(layer, "bias", None) is not None:
            layer.bias.data = torch.zeros_like(layer.bias)
        if isinstance(layer, nn.BatchNorm2d):
            layer.running_mean.fill_(0)
    return copy.deepcopy(network).apply(mute).eval()
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
    (Q7, "deeper and thinner, leaky, functional"): """
def my_denoiser():
    class Deep(nn.Module):
        def __init__(self, w=9):
            super().__init__()
            self.first, self.last = nn.Conv2d(1, w, 3, padding=1), nn.Conv2d(w, 1, 3, padding=1)
            self.convs = nn.ModuleList(nn.Conv2d(w, w, 3, padding=1, bias=False) for _ in range(3))
            self.norms = nn.ModuleList(nn.BatchNorm2d(w) for _ in range(3))
            self.last.load_state_dict({k: torch.zeros_like(v) for k, v in self.last.state_dict().items()})

        def forward(self, z):
            x = F.leaky_relu(self.first(z), 0.05)
            for conv, norm in zip(self.convs, self.norms):
                x = F.leaky_relu(norm(conv(x)), 0.05, inplace=True)
            return torch.sub(z, self.last(x))

    return Deep(), 0.01
""",
    (Q7, "shallow, with batch norm, as a Sequential"): """
def my_denoiser():
    class Residual(nn.Sequential):
        def forward(self, z):
            return z - super().forward(z)

    network = Residual(
        nn.Conv2d(1, 15, 3, padding="same"), nn.ReLU(), nn.Conv2d(15, 15, 3, padding="same", bias=False), nn.BatchNorm2d(15),
        nn.ReLU(), nn.Conv2d(15, 1, 5, padding="same"),
    )  # fmt: skip
    nn.init.constant_(network[-1].weight, 0.0)
    return network, 0.01
""",
    (Q7, "a wide first layer of one number each"): """
def my_denoiser():
    class Wide(nn.Module):
        def __init__(self, w=12):
            super().__init__()
            self.body = nn.Sequential(nn.Conv2d(1, w, 3, padding=1), nn.BatchNorm2d(w), nn.ReLU(True), nn.Conv2d(w, w, 3, padding=1),
                                      nn.BatchNorm2d(w), nn.ReLU(True), nn.Conv2d(w, w, 3, padding=1), nn.ReLU(), nn.Conv2d(w, 1, 1))
            self.scale = nn.Parameter(torch.zeros(1))

        def forward(self, z):
            return z + self.scale * self.body(z)

    return Wide(), 0.01
""",
    (Q1, "Box and Muller"): """
def observe(y, sigma, shots, generator):
    u = torch.rand((2, *y.shape), generator=generator, dtype=torch.float64)
    noise = (-2 * torch.log1p(-u[0])).sqrt() * torch.cos(2 * math.pi * u[1])
    return y + (sigma / 255 / shots**0.5 * noise).to(y.dtype)
""",
    (Q1, "a distribution, numpy from one seed"): """
def observe(y, sigma, shots, generator):
    import numpy as np
    draw = np.random.default_rng(torch.randint(2**62, (1,), generator=generator).item())
    z = y.clone()
    z += torch.from_numpy(draw.normal(0, sigma / 255 / np.sqrt(shots), tuple(y.shape)))
    return z
""",
    (Q2, "vmap of one image"): """
def psnr(y_hat, y):
    return torch.vmap(lambda a, b: -10 * torch.log10((a.clamp(0, 1) - b).pow(2).mean()))(y_hat, y)
""",
    (Q2, "norms, hardtanh"): """
def psnr(y_hat, y):
    e = torch.linalg.vector_norm(F.hardtanh(y_hat, 0, 1) - y, dim=(1, 2, 3))
    return 10 * math.log10(y[0].numel()) - 20 * e.log10()
""",
    (Q3, "dictionary of layers"): """
class ResidualBlock(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.layers = nn.ModuleDict({f'{k}{i}': m for i in (1, 2) for k, m in (('conv', nn.Conv2d(width, width, 3, 1, 1, 1, 1, False)), ('norm', nn.BatchNorm2d(width)))})
        self.layers['norm2'].weight.data.zero_()

    def forward(self, x):
        g = self.layers['norm1'](self.layers['conv1'](x))
        g = torch.where(g > 0, g, 0.0)
        return x.add(self.layers['norm2'](self.layers['conv2'](g)))
""",
    (Q3, "ReLU as a maximum, borders of its own"): """
class ResidualBlock(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.conv = nn.ModuleList(nn.Conv2d(width, width, 3, bias=False) for _ in range(2))
        self.norm = nn.ModuleList(nn.BatchNorm2d(width) for _ in range(2))
        with torch.no_grad():
            self.norm[1].weight.zero_()

    def forward(self, x):
        y = self.norm[0](self.conv[0](F.pad(x, (1, 1, 1, 1))))
        y = torch.maximum(y, torch.zeros_like(y))
        return self.norm[1](self.conv[1](F.pad(y, [1] * 4))) + x
""",
    (Q4, "norms; math in nats"): """
def dncnn_loss(network, z, y):
    return torch.linalg.vector_norm(network(z).sub(z).add(y)).square().div(2 * len(y))

def loss_to_psnr(loss, pixels):
    return 10 / math.log(10) * math.log(pixels / (2 * loss))
""",
    (Q4, "a mean over images of sums"): """
def dncnn_loss(network, z, y):
    e = network(z) - z + y
    return e.pow(2).flatten(1).sum(1).mean().mul(0.5)

def loss_to_psnr(loss, pixels):
    return -10 * torch.log10(torch.as_tensor(2 * loss / pixels, dtype=torch.float64)).item()
""",
    (Q5, "index arithmetic, einops-like"): """
def unshuffle(x):
    b, c, h, w = x.shape
    return x.unflatten(3, (-1, 2)).unflatten(2, (-1, 2)).movedim((3, 5), (2, 3)).flatten(1, 3)

def ffdnet_input(z, sigma):
    i, j = (torch.arange(n + n % 2).clamp(max=n - 1) for n in z.shape[2:])
    x = unshuffle(z[:, :, i][:, :, :, j])
    return torch.cat([x, x.new_ones(x[:, :1].shape) * sigma.reshape(-1, 1, 1, 1) / 255], 1)
""",
    (Q5, "two halvings by einsum, in place"): """
def unshuffle(x):
    rows = torch.stack([x[:, :, 0::2], x[:, :, 1::2]], 2)
    both = torch.stack([rows[..., 0::2], rows[..., 1::2]], 3)
    return both.reshape(len(x), -1, x.shape[2] // 2, x.shape[3] // 2)

def ffdnet_input(z, sigma):
    h, w = z.shape[2:]
    z = nn.ReplicationPad2d((0, w & 1, 0, h & 1))(z)
    out = z.new_empty(len(z), 4 * z.shape[1] + 1, z.shape[2] // 2, z.shape[3] // 2)
    out[:, :-1] = unshuffle(z)
    out[:, -1] = sigma[:, None, None] / 255
    return out
""",
    (Q6, "pickle and named buffers"): """
def bias_free(network):
    import io
    box = io.BytesIO()
    torch.save(network, box)
    box.seek(0)
    free = torch.load(box, weights_only=False)
    for name, p in free.named_parameters():
        if name.rpartition('.')[2] == 'bias':
            p.data.mul_(0)
    for name, b in free.named_buffers():
        if name.endswith('running_mean'):
            b.copy_(torch.zeros_like(b))
    return free.eval()
""",
    (Q6, "by type, data exchanged"): """
def bias_free(network):
    free = copy.deepcopy(network)
    free.requires_grad_(True)
    for m in free.modules():
        match m:
            case nn.Conv2d() | nn.BatchNorm2d():
                if m.bias is not None:
                    m.bias.data = m.bias.data.new_zeros(m.bias.shape)
        if isinstance(m, nn.BatchNorm2d):
            m.running_mean.mul_(0)
        m.training = False
    return free
""",
}
