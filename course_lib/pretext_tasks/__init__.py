"""Self-supervised pretext tasks: questions whose answers come with the picture, and what a network learns from them.

Chapters: book/pretext_tasks/
"""

from .augmentations import Views
from .backbone import NIN, Classifier, ResNet18
from .colourization import (
    Colourizer,
    annealed_mean,
    classification_loss,
    colour_bins,
    colour_counts,
    colour_task,
    rebalance,
    soft_encode,
)
from .contrastive import Projected, ProjectionHead, alignment_loss, both_views, nt_xent, spread, twins_found
from .cutting import cut
from .exemplars import Exemplars, draw_exemplars, gradient_energy
from .filling import biharmonic, hole_psnr, mean_colour, membrane
from .inpainting import (
    ChannelwiseDense,
    ContextEncoder,
    Critic,
    PaintedAndJudged,
    adversarial_loss,
    centre_hole,
    cut_out,
    hole_loss,
    random_holes,
)
from .jigsaw import Jigsaw, choose_permutations, hamming_distances, normalise_patches
from .lab import lab_to_rgb, rgb_to_lab
from .label_fractions import few_labels, label_curve
from .late_fusion import LateFusion, puzzle_accuracy, puzzle_loss
from .masked_images import hide, masked_image_loss, random_patches
from .probing import (
    LinearProbe,
    accuracy,
    block_features,
    knn,
    linear_probe,
    logistic_regression,
)
from .relative_position import RelativePosition, drop_colours, project_colours
from .trials import probe_blocks
from .without_negatives import barlow_twins_loss, effective_rank, stop_gradient_loss, vicreg_loss, vicreg_terms

__all__ = [
    "NIN",
    "Classifier",
    "LinearProbe",
    "ResNet18",
    "accuracy",
    "block_features",
    "few_labels",
    "knn",
    "label_curve",
    "linear_probe",
    "logistic_regression",
    "Colourizer",
    "annealed_mean",
    "classification_loss",
    "colour_bins",
    "colour_counts",
    "colour_task",
    "rebalance",
    "soft_encode",
    "ChannelwiseDense",
    "ContextEncoder",
    "Critic",
    "PaintedAndJudged",
    "adversarial_loss",
    "centre_hole",
    "cut_out",
    "biharmonic",
    "hole_loss",
    "hole_psnr",
    "mean_colour",
    "membrane",
    "random_holes",
    "Jigsaw",
    "choose_permutations",
    "hamming_distances",
    "normalise_patches",
    "lab_to_rgb",
    "rgb_to_lab",
    "LateFusion",
    "puzzle_accuracy",
    "puzzle_loss",
    "RelativePosition",
    "drop_colours",
    "project_colours",
    "probe_blocks",
    "cut",
    "Views",
    "Projected",
    "ProjectionHead",
    "alignment_loss",
    "both_views",
    "nt_xent",
    "spread",
    "twins_found",
    "Exemplars",
    "draw_exemplars",
    "gradient_energy",
    "hide",
    "masked_image_loss",
    "random_patches",
    "barlow_twins_loss",
    "effective_rank",
    "stop_gradient_loss",
    "vicreg_loss",
    "vicreg_terms",
]
