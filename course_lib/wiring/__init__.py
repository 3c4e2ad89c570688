"""A network as bare wires: which pixels it connects, and where its output pixels lie in its image.

Chapters: book/receptive_fields/
"""

from .connections import Connections, connect
from .pixel_geometry import Geometry, geometry
from .wires import Wires

__all__ = ["Connections", "Geometry", "Wires", "connect", "geometry"]
