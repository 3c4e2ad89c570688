"""Patches against numpy's own crops, flips and rotations."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.utils._python_dispatch import TorchDispatchMode

from course_lib.data import Patches


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def numbered(count, channels, height, width):
    """Images whose every pixel is unique, so that a patch says where it was cut."""
    total = count * channels * height * width
    return (torch.arange(total, dtype=torch.float32) / total).view(count, channels, height, width)


def symmetries(crop):
    """The eight pictures of a square crop (C, S, S), by numpy."""
    turned = [np.rot90(crop, k, axes=(1, 2)) for k in range(4)]
    return turned + [picture[:, :, ::-1] for picture in turned]


def locate(patch, images):
    """(image, top, left, symmetry) of a patch cut from ``numbered`` images; fails if it is none."""
    patch, size = patch.numpy(), patch.shape[-1]
    for k, image in enumerate(images):
        image = image.numpy()
        rows, columns = np.where(image[0] == patch[0].min())
        if len(rows):  # the smallest number of a crop is at its top left
            top, left = rows[0], columns[0]
            crop = image[:, top : top + size, left : left + size]
            (which,) = [s for s, picture in enumerate(symmetries(crop)) if np.array_equal(picture, patch)]
            return k, top, left, which
    raise AssertionError("this patch comes from no image")


@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 2**31),
    channels=st.integers(1, 3),
    size=st.integers(2, 6),
    shapes=st.lists(st.tuples(st.integers(6, 9), st.integers(6, 9)), min_size=1, max_size=4),
)
def test_every_patch_is_a_symmetry_of_a_crop(seed, channels, size, shapes):
    images = [numbered(1, channels, h, w)[0] / 10 + k / 10 for k, (h, w) in enumerate(shapes)]
    for patch in Patches(images, size=size, batch=8)(generator(seed)):
        locate(patch, images)


def test_places_images_and_symmetries_are_uniform_to_the_last_row_and_column():
    images = numbered(2, 1, 6, 7)
    patches = Patches(images, size=4, batch=4000)(generator())
    found = np.array([locate(patch, images) for patch in patches])
    for axis, values in enumerate((2, 6 - 4 + 1, 7 - 4 + 1, 8)):
        counts = np.bincount(found[:, axis], minlength=values)
        assert len(counts) == values
        expected = 4000 / values
        assert ((counts - expected) ** 2 / expected).sum() < 30, counts  # chi-square, 7 degrees at most: p < 1e-4


def test_images_of_any_size_are_equally_likely():
    images = [torch.full((1, 5, 5), 0.0), torch.full((1, 50, 80), 1.0)]
    share = Patches(images, size=5, batch=4000)(generator())[:, 0, 0, 0].mean()
    assert abs(share - 0.5) < 0.04


def test_without_augmentation_patches_are_plain_crops():
    images = numbered(3, 2, 9, 8)
    patches = Patches(images, size=5, batch=64, augment=False)(generator())
    assert {locate(patch, images)[3] for patch in patches} == {0}


def test_bytes_become_floats_in_0_1():
    images = torch.arange(256, dtype=torch.uint8).view(1, 1, 16, 16)
    patch = Patches(images, size=16, batch=1, augment=False)(generator())
    assert patch.dtype == torch.float32
    assert torch.equal(patch, images.float() / 255)


def test_a_list_and_a_tensor_of_the_same_images_give_the_same_batch():
    images = torch.randint(0, 256, (4, 3, 12, 14), dtype=torch.uint8, generator=generator())
    same = Patches(images, size=7, batch=9), Patches(list(images), size=7, batch=9)
    assert torch.equal(same[0](generator(1)), same[1](generator(1)))


def test_the_batch_depends_on_the_generator_alone():
    images = numbered(5, 1, 30, 30)
    patches = Patches(images, size=8, batch=16)
    first = patches(generator(3))
    torch.manual_seed(99)
    patches(generator(4))
    assert torch.equal(first, patches(generator(3)))
    running = generator(3)
    assert torch.equal(first, patches(running))
    assert not torch.equal(first, patches(running)), "the generator moves on"


def test_the_image_is_left_alone():
    images = torch.randint(0, 256, (2, 1, 8, 8), dtype=torch.uint8)
    before = images.clone()
    Patches(images, size=8, batch=4)(generator()).fill_(7)
    assert torch.equal(images, before)


def test_a_batch_never_waits_for_the_device_and_has_no_loop():
    """``item``, ``nonzero`` and masks would make a GPU wait; a loop over samples would make more calls."""

    class Calls(TorchDispatchMode):
        def __torch_dispatch__(self, func, types, args=(), kwargs=None):
            names.append(func.__name__.split(".")[0])
            return func(*args, **(kwargs or {}))

    counts = []
    for batch in (2, 64):
        patches, names = Patches(numbered(3, 3, 20, 20), size=8, batch=batch), []
        with Calls():
            patches(generator())
        counts.append(len(names))
        assert not {"_local_scalar_dense", "nonzero", "masked_select", "equal"} & set(names)
    assert counts[0] == counts[1]


good = torch.zeros(2, 1, 8, 8)


@pytest.mark.parametrize(
    "images, said",
    [
        (good[0], r"4 dimensions \(N, C, H, W\), got shape \(1, 8, 8\)"),
        (good[:0], r"must not be empty, got shape \(0, 1, 8, 8\)"),
        ([], "a non-empty list, got list"),
        (good.numpy(), "got ndarray"),
        ([good], r"images\[0\] must be a tensor \(C, H, W\), got \(2, 1, 8, 8\)"),
        ([good[0], good[0].numpy()], r"images\[1\] must be a tensor \(C, H, W\), got ndarray"),
        ([good[0], good[0].expand(3, 8, 8)], "share channels, dtype and device"),
        ([good[0], good[0].byte()], "share channels, dtype and device"),
        (good.long(), r"uint8, or float in \[0, 1\], got torch.int64"),
        (good + 255, r"must lie in \[0, 1\], got values in \[255, 255\].*divide by 255"),
        (good - 0.5, r"must lie in \[0, 1\]"),
        ([good[0], good[1] * float("nan")], r"images\[1\] contains NaN"),
        ([good[0], good[0, :, :3]], "at least 5x5, got one of 3x8"),
    ],
)
def test_bad_images_are_refused_by_name(images, said):
    with pytest.raises(ValueError, match=said):
        Patches(images, size=5)


@pytest.mark.parametrize("bad", [{"size": 0}, {"batch": 0}])
def test_bad_sizes_are_refused(bad):
    with pytest.raises(ValueError, match="at least 1"):
        Patches(good, **({"size": 5} | bad))


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_on_cuda_nothing_synchronises():
    patches = Patches(torch.randint(0, 256, (9, 3, 50, 60), dtype=torch.uint8), device="cuda")
    cuda = torch.Generator("cuda").manual_seed(0)
    torch.cuda.set_sync_debug_mode("error")
    try:
        batch = patches(cuda)
    finally:
        torch.cuda.set_sync_debug_mode("default")
    assert batch.shape == (128, 3, 40, 40) and batch.is_cuda
