"""Pictures that are right in light and in dark, on a phone, and for a reader who cannot see them.

Every function displays at once and insists on ``alt``, the sentence that stands in for the picture.
"""

from course_lib.plotting.figures import palette, show, style, subplots
from course_lib.plotting.listing import source
from course_lib.plotting.pixels import images

__all__ = ["images", "palette", "show", "source", "style", "subplots"]
