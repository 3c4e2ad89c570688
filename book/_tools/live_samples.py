"""Make the pictures that a reader without a photograph at hand can try the live denoiser on: no person's face.

python book/_tools/live_samples.py
"""

from pathlib import Path

from PIL import Image

from course_lib import data
from course_lib.data import embedded


def main() -> None:
    """Write ``book/_static/live/samples/*.webp``: photographs that no network of the course was trained on."""
    folder = Path(__file__).parents[1] / "_static" / "live" / "samples"
    for name, y in data.photographs(names=embedded.HELD_OUT).items():
        Image.fromarray((255 * y[0]).round().byte().numpy()).save(folder / f"{name}.webp", quality=90, method=6)


if __name__ == "__main__":
    main()
