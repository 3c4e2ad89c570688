"""The playground in Chromium, as visitors meet it; its server may ask no other machine."""

import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

pytest.importorskip("gradio", reason='Gradio is missing (pip install "course_lib[playground]")')
sys.path.append(str(Path(__file__).parents[1] / "playground"))  # the files that visitors bring
from visitors import RAMP, kinds, stored  # noqa: E402

ROOT = Path(__file__).resolve().parents[2]
# The server, run by a Python in which nobody can connect to another machine or ask for its address.
GUARDED = """
import socket, runpy, sys
def guard(name, host_of):
    original = getattr(*name)
    def guarded(*a, **k):
        host = host_of(a)
        host = host.decode() if isinstance(host, bytes) else host
        if isinstance(host, str) and host not in ("", "127.0.0.1", "::1", "localhost", "0.0.0.0"):
            print("OUTSIDE", host, flush=True)
            raise OSError("this test lets nobody out")
        return original(*a, **k)
    setattr(*name, guarded)
guard((socket, "getaddrinfo"), lambda a: a[0])
guard((socket.socket, "connect"), lambda a: a[1][0] if isinstance(a[1], tuple) else None)
sys.argv = ["playground", "--port", sys.argv[1]]
runpy.run_module("course_lib.playground", run_name="__main__")
"""
STATUS = ".playground-status p"
# Gradio's own, in version 6: a serious finding each. Our own part of the page has none.
OF_GRADIO = {"color-contrast": ("or svelte", "max_value", "min_value")}


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """(process, address)"""
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        port = str(s.getsockname()[1])
    folder = tmp_path_factory.mktemp("playground")
    environment = os.environ | {"GRADIO_TEMP_DIR": str(folder), "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    with (folder / "log").open("w+") as log:
        process = subprocess.Popen([sys.executable, "-c", GUARDED, port], stdout=log, stderr=log, env=environment)
        deadline = time.monotonic() + 120
        while "Open http" not in (folder / "log").read_text():
            assert process.poll() is None and time.monotonic() < deadline, (folder / "log").read_text()
            time.sleep(0.3)
        yield process, f"http://127.0.0.1:{port}/"
        process.terminate()
        process.wait(20)
    text = (folder / "log").read_text()
    assert "OUTSIDE" not in text and "Traceback" not in text, text


@pytest.fixture
def visit(browser, server):
    """``visit()`` -> the page of a visitor of his own; a request to another machine or an error in it fails."""
    contexts, asked, errors = [], [], []

    def visit(width=1400, scheme="light"):
        context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
        page = context.new_page()
        page.on("request", lambda request: asked.append(request.url))
        page.on("pageerror", lambda error: errors.append(str(error)))
        contexts.append(context)
        page.goto(server[1])
        page.get_by_role("button", name="Run: Denoise").wait_for(timeout=60_000)
        return page

    yield visit
    for context in contexts:
        context.close()  # once more does nothing
    assert [url for url in asked if not url.startswith((server[1], "data:", "blob:"))] == [] and errors == []


def choose(page, task):
    page.get_by_label(task, exact=True).check()
    page.get_by_role("button", name=f"Run: {task}").wait_for()


def run(page, task="Where a network looks"):
    choose(page, task)
    page.get_by_role("button", name=f"Run: {task}").click()


def told(page, text, seconds=90):
    """Wait until the status says it (a regular expression)."""
    page.wait_for_function(
        "([where, text]) => RegExp(text).test(document.querySelector(where)?.textContent)",
        arg=[STATUS, text], timeout=1000 * seconds,
    )  # fmt: skip


def upload(page, name, content):
    field = page.locator("input[type=file]").first
    field.set_input_files(content if isinstance(content, Path) else {"name": name, "mimeType": "", "buffer": content})
    page.get_by_text(Path(name).stem, exact=False).first.wait_for(timeout=60_000)


DONE = {
    "Denoise": "dB denoised",
    "Learn from one image": "dB denoised",
    "Style transfer": "Content to style",
    "Deep Dream": r"\d+ steps towards",
    "What a pixel looked at": "pixels looked at",
    "Where a network looks": "blocks, seen at",
}


@pytest.mark.parametrize("task", DONE)
def test_every_task_shows_progress_and_pictures(visit, task):
    page = visit()
    if task == "Style transfer":
        choose(page, task)
        page.get_by_label("number input for Evaluations of L-BFGS").fill("20")
    if task == "Learn from one image":
        choose(page, task)
        page.get_by_label("number input for Steps").fill("100")
    run(page, task)
    told(page, DONE[task])
    assert page.locator("progress").get_attribute("value") == "1.000"
    images = page.locator(".cl-row img")
    assert images.count() >= 2
    assert all(images.nth(i).get_attribute("alt") for i in range(images.count()))


def test_every_kind_of_file_is_read(visit):
    page = visit()
    for kind, content in kinds().items():
        name = kind.replace(" ", "-") + ".bin"  # its name says nothing
        upload(page, name, content)
        run(page)
        told(page, "seen at 72 × 96")
        page.get_by_label("Clear").or_(page.get_by_label("Remove this file")).first.click()
        page.get_by_text("Drop File Here").wait_for()


def test_what_is_refused_is_told_and_the_next_file_works(visit, tmp_path):
    page = visit()
    upload(page, "cut.jpeg", stored_noise("JPEG")[:4000])
    run(page)
    told(page, "damaged")
    page.get_by_label("Clear").or_(page.get_by_label("Remove this file")).first.click()
    page.get_by_text("Drop File Here").wait_for()
    upload(page, "words.txt", b"no picture")
    run(page)
    told(page, "not a picture")
    page.get_by_label("Clear").or_(page.get_by_label("Remove this file")).first.click()
    upload(page, "good.png", kinds()["grey png"])
    run(page)
    told(page, "seen at 72 × 96")


def stored_noise(kind, size=(400, 300), **options):
    return stored(
        Image.fromarray(np.random.default_rng(0).integers(0, 256, (*size, 3), dtype=np.uint8)), kind, **options
    )


def test_50_mb_are_read_and_200_mb_are_refused(visit, tmp_path):
    page = visit()
    (tmp_path / "large.bmp").write_bytes(stored_noise("BMP", (4000, 4200)))
    upload(page, "large.bmp", tmp_path / "large.bmp")
    run(page)
    told(page, "seen at 9[12] × 96")
    page.get_by_label("Clear").or_(page.get_by_label("Remove this file")).first.click()
    with (tmp_path / "huge.png").open("wb") as file:
        file.truncate(200_000_000)
    upload(page, "huge.png", tmp_path / "huge.png")
    run(page)
    told(page, "200 MB; 60 MB is the most")


def test_it_stops_within_seconds(visit):
    page = visit()
    run(page, "Style transfer")
    told(page, "Painting")
    page.get_by_role("button", name="Stop").click()
    begun = time.monotonic()
    told(page, "Stopped", seconds=10)
    run(page)  # and the machine is free
    told(page, "blocks, seen at", seconds=30)
    assert time.monotonic() - begun < 20


def test_a_second_visitor_sees_that_he_waits_and_both_get_their_own(visit):
    first, second = visit(), visit()
    run(first, "Style transfer")
    told(first, "Painting|Mixing")
    run(second)
    second.get_by_text("queue").first.wait_for(timeout=20_000)
    first.get_by_role("button", name="Stop").click()
    told(second, "blocks, seen at")
    told(first, "Stopped")
    assert first.locator(".cl-row figcaption", has_text="block").count() == 0


def test_who_stops_while_he_waits_is_not_served(visit):
    first, second = visit(), visit()
    run(first, "Style transfer")
    told(first, "Painting")
    run(second, "Denoise")
    told(second, "Waiting")
    second.get_by_role("button", name="Stop").click()
    told(second, "Stopped")
    run(second)  # something else
    first.get_by_role("button", name="Stop").click()
    told(second, "blocks, seen at", seconds=30)
    assert second.locator(".cl-row figcaption", has_text="denoised").count() == 0


def test_run_pressed_again_starts_it_anew(visit):
    page = visit()
    run(page, "Style transfer")
    told(page, "Painting")
    page.get_by_label("number input for Evaluations of L-BFGS").fill("20")
    page.get_by_role("button", name="Run: Style transfer").click()
    told(page, "Content to style", seconds=40)


def test_a_visitor_who_closes_the_page_gives_the_machine_back(visit):
    first, second = visit(), visit()
    run(first, "Style transfer")
    told(first, "Painting")
    first.context.close()
    run(second)
    told(second, "blocks, seen at", seconds=30)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_on_a_phone_nothing_is_wider_than_the_screen(visit, scheme):
    page = visit(width=390, scheme=scheme)
    run(page)
    told(page, "blocks, seen at")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    widest = page.evaluate(
        "Math.max(...[...document.querySelectorAll('.cl-row img')].map(i => i.getBoundingClientRect().right))"
    )
    assert 0 < widest <= 390


def test_it_runs_by_keyboard_alone(visit):
    page, reached = visit(), []
    for _ in range(30):
        page.keyboard.press("Tab")
        reached.append(page.evaluate("(document.activeElement.ariaLabel || document.activeElement.textContent).trim()"))
        if reached[-1] == "Run: Denoise":
            break
    assert reached[-1] == "Run: Denoise"
    page.keyboard.press("Enter")
    told(page, "Denoising")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    told(page, "Stopped|dB denoised")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_only_what_is_gradio_s_own(visit, scheme):
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe-playwright-python is missing")
    page = visit(scheme=scheme)
    run(page)
    told(page, "blocks, seen at")
    found = [
        (violation["id"], node["html"][:150])
        for violation in axe.Axe().run(page).response["violations"]
        for node in violation["nodes"]
    ]
    assert [f for f in found if not any(part in f[1] for part in OF_GRADIO.get(f[0], ()))] == []


@pytest.mark.long
def test_memory_stays_bounded_over_thirty_pictures(visit, server):
    psutil, page, sizes = pytest.importorskip("psutil"), visit(), []
    for i in range(30):
        upload(page, f"picture-{i}.bmp", stored_noise("BMP", (1200 + i, 1600)))
        run(page, "Denoise" if i % 2 else "Where a network looks")
        told(page, "dB denoised" if i % 2 else "blocks, seen at")
        page.get_by_label("Clear").or_(page.get_by_label("Remove this file")).first.click()
        page.get_by_text("Drop File Here").wait_for()
        sizes.append(psutil.Process(server[0].pid).memory_info().rss / 1e6)
    print("megabytes after each picture:", [round(size) for size in sizes])
    assert max(sizes[20:]) < max(sizes[5:15]) + 100, "megabytes of the server"
    assert max(sizes) < 2000


def test_the_ramp_has_the_shape_that_the_tests_wait_for():
    assert RAMP.shape == (48, 64)
