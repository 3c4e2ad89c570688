"""Projects: the course's parts put together, two classics of looking into a network, and something to play with.

Chapters: book/projects/
"""

from .deep_dream import Dream, ascent, colour_covariance, dream, energy, octave_sizes
from .named_layers import NamedLayers, squeezenet, vgg19
from .pictures import julia, stained_glass, strokes, waves
from .style_transfer import Painting, gram, paint, relative_error, total_variation

__all__ = [
    "Dream",
    "NamedLayers",
    "Painting",
    "ascent",
    "colour_covariance",
    "dream",
    "energy",
    "gram",
    "julia",
    "octave_sizes",
    "paint",
    "relative_error",
    "squeezenet",
    "stained_glass",
    "strokes",
    "total_variation",
    "vgg19",
    "waves",
]
