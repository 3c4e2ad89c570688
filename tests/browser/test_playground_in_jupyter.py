"""The playground inside a notebook in JupyterLab: the cell is run, and a picture comes out of the frame below it."""

import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import nbformat
import pytest

pytest.importorskip("gradio", reason='Gradio is missing (pip install "course_lib[playground]")')
pytest.importorskip("jupyterlab")
ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def lab(tmp_path):
    """The address of a JupyterLab in which one notebook shows the playground."""
    cell = nbformat.v4.new_code_cell('from course_lib.playground import show\nshow(alt="The playground")')
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}  # else it asks for one
    nbformat.write(nbformat.v4.new_notebook(cells=[cell], metadata={"kernelspec": kernel}), tmp_path / "page.ipynb")
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        port = s.getsockname()[1]
    options = ["--no-browser", "--allow-root", "--IdentityProvider.token=", f"--ServerApp.port={port}"]
    # folders of its own: the person who runs the tests may have a JupyterLab of theirs
    own = {f"JUPYTER_{name}_DIR": str(tmp_path / name) for name in ("CONFIG", "RUNTIME", "DATA")}
    environment = os.environ | own | {"PYTHONPATH": str(ROOT), "GRADIO_TEMP_DIR": str(tmp_path / "gradio")}
    environment.pop("COURSE_STATIC", None)
    command = [sys.executable, "-m", "jupyterlab", *options]
    with (tmp_path / "log").open("w") as log:
        process = subprocess.Popen(command, cwd=tmp_path, env=environment, stdout=log, stderr=log)
        deadline = time.monotonic() + 90
        while socket.socket().connect_ex(("127.0.0.1", port)):
            assert process.poll() is None and time.monotonic() < deadline, (tmp_path / "log").read_text()
            time.sleep(0.5)
        yield f"http://127.0.0.1:{port}/lab/tree/page.ipynb"
        process.terminate()
        process.wait(20)


@pytest.mark.long
def test_it_runs_in_jupyterlab(browser, lab):
    page = browser.new_page(viewport={"width": 1400, "height": 1000})
    page.goto(lab)
    page.locator(".jp-CodeCell").first.click(timeout=120_000)
    page.wait_for_selector(".jp-Notebook-ExecutionIndicator[data-status=idle]", timeout=120_000)
    page.keyboard.press("Shift+Enter")
    page.wait_for_selector(".jp-OutputArea iframe", timeout=180_000)
    inside = page.frame_locator(".jp-OutputArea iframe")
    inside.get_by_label("Where a network looks", exact=True).check(timeout=60_000)
    inside.get_by_role("button", name="Run: Where a network looks").click()
    inside.get_by_text("blocks, seen at").wait_for(timeout=90_000)
    assert inside.locator(".cl-row img").count() >= 4
    page.close()
