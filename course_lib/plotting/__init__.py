"""Pictures that are right in light and in dark, on a phone, and for a reader who cannot see them.

Every function displays at once and insists on ``alt``, the sentence that stands in for the picture.
"""

from .embeddings import mosaic, tsne
from .figures import palette, show, style, subplots
from .listing import source
from .pixels import images
from .tables import table

__all__ = ["images", "mosaic", "palette", "show", "source", "style", "subplots", "table", "tsne"]
