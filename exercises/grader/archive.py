"""All feedback in one file for each platform, named as the platform wants it back."""

import zipfile
from io import BytesIO

from .owners import readable
from .standing import Standing

# The same pages make the same bytes.
ONCE = (2000, 1, 1, 0, 0, 0)


def archive(pages: dict[str, str]) -> bytes:
    made = BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as file:
        for name, page in sorted(pages.items()):
            file.writestr(zipfile.ZipInfo(name, ONCE), page.encode("utf-8", "replace"), zipfile.ZIP_DEFLATED)
    return made.getvalue()


def canvas_name(one: Standing) -> str:
    """As the file was called in the download, by which Canvas finds the student again; empty if it was not Canvas's."""
    entry = readable(one.submission.entry)
    if not one.submission.platform_id or "_assignsubmission_" in entry:
        return ""
    return entry.rsplit(".", 1)[0].removesuffix(".ipynb") + ".html"


def moodle_name(one: Standing) -> str:
    """``Full Name_number_assignsubmission_file_feedback.html``; empty if it did not come from Moodle."""
    entry = readable(one.submission.entry)
    if not one.submission.platform_id or "_assignsubmission_" not in entry:
        return ""
    return f"{one.name}_{one.submission.platform_id}_assignsubmission_file_feedback.html"
