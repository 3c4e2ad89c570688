"""VICReg, Barlow Twins and masked images on CIFAR-10: the backbone, budget and probe of the whole part.

Chapter: book/pretext_tasks/without_negatives.ipynb
"""

from functools import partial

from ..augmentations import Views
from ..autoencoder import Autoencoder
from ..backbone import NIN
from ..contrastive import Projected, ProjectionHead, both_views
from ..masked_images import hide, masked_image_loss, random_patches
from ..without_negatives import barlow_twins_loss, vicreg_loss
from .common import photographs, pretext
from .exemplars_and_contrast import evaluate, view_batches

CHAPTER = "pretext_tasks/without_negatives"
LOSSES = {"vicreg": vicreg_loss, "barlow-twins": barlow_twins_loss}
PATCH, HIDDEN = 8, 0.6


def expanded(blocks: int = 4, width: int = 192) -> Projected:
    """The backbone of the part with an expander, as VICReg calls its head: twice as many dimensions as SimCLR's."""
    return Projected(NIN(blocks, width), ProjectionHead(width, 256, 256))


def similar(loss: str, model, views):
    """One of `LOSSES` of two batches of views."""
    return LOSSES[loss](*both_views(model, views))


def painter(blocks: int = 4, width: int = 192) -> Autoencoder:
    """The backbone with the autoencoder's painter, and nothing narrow between them."""
    return Autoencoder(NIN(blocks, width), code=width)


def masked_batches(device, scale):
    """Pictures, and which of their pixels are hidden."""
    draw = photographs(device, scale.batch)

    def batch(generator):
        images = draw(generator)
        return images, random_patches(images, generator, PATCH, HIDDEN)

    return batch


def painting_loss(model, batch):
    """The error of what is painted into the holes."""
    images, mask = batch
    return masked_image_loss(model(hide(images, mask)), images, mask)


def _pairs(name: str, title: str, source: str, **options):
    return pretext(
        name,
        title=title,
        chapter=CHAPTER,
        build=expanded,
        batches=partial(view_batches, Views()),
        loss=partial(similar, name),
        evaluate=evaluate,
        source=source,
        **options,
    )


RECIPES = {
    **_pairs("vicreg", "VICReg", "Bardes et al., ICLR 2022 (arXiv:2105.04906): ResNet-50 on ImageNet"),
    **_pairs("barlow-twins", "Barlow Twins", "Zbontar et al., ICML 2021 (arXiv:2103.03230): ResNet-50 on ImageNet"),
    **pretext(
        "masked-images",
        title="masked images",
        chapter=CHAPTER,
        build=painter,
        batches=masked_batches,
        loss=painting_loss,
        evaluate=evaluate,
        source="He et al., CVPR 2022 (arXiv:2111.06377), with a vision transformer; Xie et al., CVPR 2022: L1",
    ),
}
