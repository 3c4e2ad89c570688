"""Autoencoders: the report's parameter counts, sizes, what a code can reach, and where a checkerboard comes from."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from course_lib import data, reference
from course_lib.denoising import ConvAutoencoder, FullyConvolutionalAutoencoder, denoise, principal_components
from course_lib.denoising.autoencoders import DECODERS, freeze_dense_norms, grow_strided, grow_upsampled
from course_lib.denoising.dncnn import count_parameters
from course_lib.denoising.recipes import autoencoders as recipes
from course_lib.observation import perturbations
from course_lib.reference import run
from course_lib.reference.recipe import Scale
from course_lib.training import fit


def small(decoder="strided", **options):
    return ConvAutoencoder(latent=6, decoder=decoder, widths=(4, 8, 12), size=16, **options)


@pytest.mark.parametrize(
    ("decoder", "count"), [("strided", 50_704_803), ("upsampled", 50_704_803), ("pairs", 50_680_971)]
)
def test_the_counts_of_the_report(decoder, count):
    with torch.device("meta"):  # shapes alone: fifty million numbers are nothing to wait for
        assert count_parameters(ConvAutoencoder(latent=4096, decoder=decoder)) == count


def test_the_count_for_any_bottleneck_worked_by_hand():
    def by_hand(latent):
        dense = 8192 * latent + latent + 2 * latent + latent * 4096 + 4096 + 2 * 4096
        return 287_008 + 896 + dense + 60_451 + 224

    for latent in (1, 64, 1000):
        with torch.device("meta"):
            assert count_parameters(ConvAutoencoder(latent)) == by_hand(latent)


def test_the_fully_convolutional_code_has_4096_numbers_and_a_parameter_count_worked_by_hand():
    model = FullyConvolutionalAutoencoder().eval()
    assert model.encode(torch.rand(1, 3, 64, 64)).flatten(1).shape == (1, 8 * 8 * 64)
    kernels = [(3, 32), (32, 32), (32, 48), (48, 48), (48, 64), (64, 64)]
    kernels += [(64, 32), (32, 32), (32, 16), (16, 16), (16, 8), (8, 8)]
    assert count_parameters(model) == sum(9 * a * b + b + 2 * b for a, b in kernels) + 8 * 3 + 3


@pytest.mark.parametrize("decoder", DECODERS)
def test_forward_and_backward_in_float32_and_bf16(decoder):
    model = small(decoder)
    z = torch.rand(2, 3, 16, 16)
    for bf16 in (False, True):
        with torch.autocast("cpu", torch.bfloat16, enabled=bf16):
            y_hat = model(z)
        assert y_hat.shape == z.shape and y_hat.min() >= 0 and y_hat.max() <= 1
        model.zero_grad()
        y_hat.float().square().mean().backward()
        assert all(p.grad is not None and p.grad.isfinite().all() for p in model.parameters())
    assert model.eval()(z[:1]).shape == (1, 3, 16, 16)


@settings(max_examples=10, deadline=None)
@given(height=st.integers(9, 25), width=st.integers(9, 25), channels=st.sampled_from([1, 3]))
def test_the_fully_convolutional_one_takes_any_size(height, width, channels):
    model = FullyConvolutionalAutoencoder((4, 5, 6), (5, 4, 3), channels)
    z = torch.rand(1, channels, height, width)  # a batch of one
    for bf16 in (False, True):
        with torch.autocast("cpu", torch.bfloat16, enabled=bf16):
            assert model(z).shape == z.shape
    model(z).mean().backward()
    assert all(p.grad is not None for p in model.parameters())


def test_an_odd_image_is_treated_as_its_continuation_to_a_multiple_of_8():
    model = FullyConvolutionalAutoencoder((4, 5, 6), (5, 4, 3)).eval()
    z = torch.rand(1, 3, 19, 24)
    continued = torch.cat([z, z[:, :, -1:].expand(-1, -1, 5, -1)], 2)
    torch.testing.assert_close(model(z), model(continued)[:, :, :19])


def test_a_dense_code_reaches_everywhere_and_a_convolutional_one_its_neighbourhood():
    z = torch.rand(1, 3, 64, 64)
    changed = z.clone()
    changed[:, :, :4, :4] = 1 - changed[:, :, :4, :4]
    far = (..., slice(48, 64), slice(48, 64))
    dense = ConvAutoencoder(latent=32, widths=(4, 8, 12)).eval()
    local = FullyConvolutionalAutoencoder((4, 5, 6), (5, 4, 3)).eval()
    with torch.no_grad():
        assert (dense(z)[far] != dense(changed)[far]).any()
        assert torch.equal(local(z)[far], local(changed)[far])


def test_only_a_strided_transposed_convolution_covers_pixels_unevenly():
    flat = torch.ones(1, 1, 6, 6)
    covered = {}
    for grow in (grow_strided, grow_upsampled):
        conv = grow(1, 1)[0]
        nn.init.ones_(conv.weight)
        nn.init.zeros_(conv.bias)
        middle = conv(flat).detach()[..., 2:-2, 2:-2]
        covered[grow] = sorted(set(middle.flatten().tolist()))
    assert covered[grow_strided] == [1, 2, 4]  # one input pixel, two, or four: the checkerboard
    assert covered[grow_upsampled] == [9]


def test_the_upsampled_decoder_repeats_every_pixel():
    block = grow_upsampled(3, 5).eval()
    x = torch.rand(1, 3, 4, 6)
    expected = block[:-1](x).repeat_interleave(2, 2).repeat_interleave(2, 3)
    torch.testing.assert_close(block(x), expected)


def test_the_last_layer_of_the_fully_convolutional_one_mixes_channels_only():
    model = FullyConvolutionalAutoencoder((4, 5, 6), (5, 4, 3)).eval()
    code = model.encode(torch.rand(1, 3, 16, 16))
    painted = torch.einsum("oi,bihw->bohw", model.last.weight[:, :, 0, 0], model.decoder(code))
    expected = torch.sigmoid(painted + model.last.bias.view(1, -1, 1, 1))
    torch.testing.assert_close(model.decode(code), expected)


def test_two_codes_of_one_decoder_are_two_images():
    model = small().eval()
    codes = torch.stack([torch.zeros(6), torch.full((6,), 5.0)])
    dark, other = model.decode(codes)
    assert dark.shape == (3, 16, 16) and not torch.allclose(dark, other)


def test_both_learn_a_few_images_by_heart():
    torch.manual_seed(0)
    y = torch.rand(8, 3, 2, 2).repeat_interleave(8, 2).repeat_interleave(8, 3)
    for model in (small(), FullyConvolutionalAutoencoder((4, 5, 6), (5, 4, 3))):
        optimizer = torch.optim.Adam(model.parameters(), 1e-2)
        errors = []
        for _ in range(60):
            loss = (model(y) - y).square().mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            errors.append(loss.item())
        assert errors[-1] < 0.7 * errors[0]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"latent": 0}, "latent must be at least 1, got 0"),
        ({"decoder": "bilinear"}, "decoder must be one of strided, upsampled, pairs, got 'bilinear'"),
        ({"size": 60}, "size must be a multiple of 8"),
    ],
)
def test_bad_settings_are_named(settings, message):
    with pytest.raises(ValueError, match=message):
        ConvAutoencoder(**settings)


def test_bad_input_is_named():
    with pytest.raises(ValueError, match=r"z must be 16 x 16, got \(1, 3, 24, 24\)"):
        small()(torch.rand(1, 3, 24, 24))
    for model in (small(), FullyConvolutionalAutoencoder((4, 5, 6), (5, 4, 3))):
        with pytest.raises(ValueError, match=r"3 channel\(s\), got 1"):
            model(torch.rand(1, 1, 16, 16))
        with pytest.raises(ValueError, match="grey levels"):
            denoise(model, 255 * torch.rand(1, 3, 16, 16))


def test_frozen_dense_norms_keep_mean_0_and_variance_1_and_still_learn_scale_and_shift():
    model = freeze_dense_norms(small())
    assert count_parameters(model) == count_parameters(small())
    dense, conv = model.squeeze[1], model.encoder[0][0][1]
    before = dense.weight.detach().clone()
    y = torch.rand(4, 3, 16, 16)
    fit(model, recipes.squared_error, lambda generator: (y, y), steps=3, lr=1e-2, progress=False)
    for norm in (dense, model.expand[0][1]):
        assert not norm.running_mean.any() and (norm.running_var == 1).all()
    assert conv.running_mean.abs().sum() > 0 and not torch.equal(dense.weight, before)


def test_the_straight_line_of_the_recipes_is_a_projection_on_its_training_crops(monkeypatch):
    tiles = data.cats_and_things()
    monkeypatch.setattr(recipes, "_pets", lambda: tiles)
    errors = recipes.straight_line(count=40, sizes=(2, 8))
    assert len(errors) == 7 + 2, "the best size for each damage, and both on grain"
    assert errors["MSE, gaussian"] == min(errors[f"MSE, gaussian, {k} numbers"] for k in (2, 8))
    mean, directions = principal_components(recipes.crops(40)(torch.Generator().manual_seed(0)))
    y = tiles.test[0].float() / 255
    z = perturbations()["gaussian"](y, torch.Generator().manual_seed(0))
    code = (z.flatten(1) - mean) @ directions[:, :8]
    by_hand = (mean + code @ directions[:, :8].T - y.flatten(1)).square().mean().item()
    assert errors["MSE, gaussian, 8 numbers"] == pytest.approx(by_hand, rel=1e-3)


def test_training_crops_are_mirrored_and_never_upside_down(monkeypatch):
    ramp = torch.zeros(1, 3, 64, 64, dtype=torch.uint8)
    ramp[:, 0], ramp[:, 1] = torch.arange(64), torch.arange(64)[:, None]  # red grows to the right, green downwards
    pets = data.CatsAndDogs((ramp, torch.zeros(1)), (ramp, torch.zeros(1)), (ramp, torch.zeros(1)), "a ramp")
    monkeypatch.setattr(recipes, "_pets", lambda: pets)
    y = recipes.crops(64)(torch.Generator().manual_seed(0))
    to_the_right = y[:, 0, 0, -1] > y[:, 0, 0, 0]
    assert 16 < to_the_right.sum() < 48 and (y[:, 1, -1, 0] > y[:, 1, 0, 0]).all()


def test_a_recipe_trains_measures_and_names_its_data(monkeypatch, tmp_path):
    tiles = data.cats_and_things()
    spec = recipes.RECIPES["autoencoder-convolutional"]
    monkeypatch.setattr(recipes, "_pets", lambda: tiles)
    for module in (reference, run):
        monkeypatch.setattr(module, "RESULTS", tmp_path)
        monkeypatch.setattr(module, "WEIGHTS", tmp_path)
    monkeypatch.setitem(spec.scales, "cpu", Scale(steps=2, batch=2, lr=1e-3))
    monkeypatch.setenv("COURSE_DATA", str(tmp_path / "none"))
    (tmp_path / "none" / "oxford-iiit-pet").mkdir(parents=True)
    assert run.train("autoencoder-convolutional", tmp_path, scale="cpu", progress=False)
    result = reference.result("autoencoder-convolutional")
    assert result["data"] == "Oxford-IIIT Pet at 96x96, cut to 64x64"
    assert list(result["metrics"]) == ["MSE, all three", "MSE, all three, training pictures"]
    y = tiles.test[0].float() / 255
    z = perturbations()["all three"](y, torch.Generator().manual_seed(0))
    by_hand = (denoise(reference.load("autoencoder-convolutional"), z) - y).square().mean().item()
    assert result["metrics"]["MSE, all three"] == pytest.approx(by_hand, abs=1e-4)
