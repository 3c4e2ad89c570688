"""The denoisers in the page: against PyTorch, and as a reader meets them.

What is compared with: the same weights in course_lib, which shares no code with book/_static/live.
"""

import base64
import gzip
import http.server
import importlib.metadata
import importlib.util
import io
import re
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from course_lib import metrics, reference
from course_lib.denoising import denoise
from course_lib.explore.photo import NETWORKS, static
from course_lib.receptive_fields import effective_receptive_field

ROOT = Path(__file__).resolve().parents[2]
LIVE = ROOT / "book" / "_static" / "live"
OFFERED = [name for name in NETWORKS if (reference.WEIGHTS / f"{name}.safetensors").exists()]
STILL = '<img src="data:image/gif;base64,R0lGODlhAQABAAAAACw=" alt="a still picture" width="40" height="40">'
PAGE = """<!doctype html><html lang="en" data-content_root="{top}"><head><meta charset="utf-8"><title>Test</title>
<meta name="viewport" content="width=device-width"></head><body><main><h1>Test</h1>{element}</main></body></html>"""
LOAD = """async ([name, kind]) => {
  const { Network } = await import("/_static/live/network.js");
  window.network?.close();
  window.network = await Network.load({ url: new URL(`/_static/live/weights/${name}.safetensors`, location), kind });
  window.image = ({ pixels, ...size }) => ({ ...size, pixels: Float32Array.from(pixels) });
}"""


class Book(http.server.SimpleHTTPRequestHandler):
    """A page with a live denoiser, the book's static files, and the weights where the book's extension puts them."""

    page = ""

    def translate_path(self, path):
        name = path.split("?")[0]
        if name.startswith("/_static/live/weights/"):
            return str(reference.WEIGHTS / Path(name).name)
        return str(ROOT / "book") + name

    def do_GET(self):  # noqa: N802
        if self.path != "/book/page.html":
            return super().do_GET()
        body = self.page.encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        return self.wfile.write(body)

    def log_message(self, *_):
        pass


@pytest.fixture(scope="module")
def address():
    Book.page = PAGE.format(top="../", element=static(["dncnn-10", "ffdnet-grey"], STILL, "A denoiser"))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Book)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/book/page.html"
    server.shutdown()


@pytest.fixture(scope="module")
def laboratory(browser, address):
    """A page in which networks are called without their face."""
    page = browser.new_page()
    page.goto(address)
    yield page
    page.close()


@pytest.fixture
def reader(browser, address):
    """``reader(...)`` -> the page as a reader opens it; an error in it fails the test."""
    pages, errors = [], []

    def open_page(width=1400, start=True, prepare=""):
        page = browser.new_page(viewport={"width": width, "height": 900})
        page.add_init_script(prepare)
        page.on("pageerror", lambda error: errors.append(str(error)))
        pages.append(page)
        page.goto(address)
        if start:
            page.get_by_role("button", name="Try it").click()
            finished(page)
        return page

    yield open_page
    for page in pages:
        page.close()
    assert errors == []


def finished(page, text=r"\d pixels in [\d.]+ s"):
    page.wait_for_function(
        """(text) => RegExp(text).test(document.querySelector(".live-status")?.textContent)
          && !document.querySelector(".live-is-busy")""", arg=text, timeout=60_000,
    )  # fmt: skip


def called(model, name, sigma):
    return (lambda z: model(z, sigma)) if NETWORKS[name].told else model


@pytest.mark.parametrize("name", OFFERED)
def test_the_page_computes_what_pytorch_computes(laboratory, name):
    model, sigma, size = reference.load(name), 0.1, (40, 50)
    z = torch.rand(1, 1, *size, generator=torch.Generator().manual_seed(0))
    image = {"pixels": z.flatten().tolist(), "height": size[0], "width": size[1]}
    laboratory.evaluate(LOAD, [name, NETWORKS[name].kind])
    got = laboratory.evaluate("async ([i, s]) => [...(await network.denoise(image(i), s)).pixels]", [image, sigma])
    want = denoise(called(model, name, sigma), z)[0, 0].numpy()
    np.testing.assert_allclose(np.array(got).reshape(size), want, atol=1e-5)

    for at in ((size[0] // 2, size[1] // 3), (0, size[1] - 1)):
        seen = laboratory.evaluate(
            """async ([i, s, r, c]) => {
              const view = await network.view(image(i), s, r, c);
              return { ...view, pixels: [...view.pixels] };
            }""",
            [image, sigma, *at],
        )
        box = np.s_[seen["top"] : seen["top"] + seen["height"], seen["left"] : seen["left"] + seen["width"]]
        field = np.zeros(size)
        field[box] = np.abs(seen["pixels"]).reshape(seen["height"], seen["width"])
        forward = lambda m, x: called(m, name, sigma)(x)  # noqa: E731
        want = effective_receptive_field(model, z, forward=forward, at=at).map.numpy()
        np.testing.assert_allclose(field / field.sum(), want, atol=1e-5)


@pytest.mark.parametrize("kind", ["dncnn", "ffdnet"])
def test_tiles_fit_together_where_they_meet_the_border(laboratory, kind):
    """Tiles have 128 pixels; the last ones are narrower than what the network sees, or just as wide."""
    name = next(name for name in OFFERED if NETWORKS[name].kind == kind)
    model = reference.load(name)
    laboratory.evaluate(LOAD, [name, kind])
    for size in ((130, 140), (137, 40)) if kind == "dncnn" else ((290, 60), (258, 286)):
        z = torch.rand(1, 1, *size, generator=torch.Generator().manual_seed(1))
        image = {"pixels": z.flatten().tolist(), "height": size[0], "width": size[1]}
        got = laboratory.evaluate("async (i) => [...(await network.denoise(image(i), 0.2)).pixels]", image)
        want = denoise(called(model, name, 0.2), z)[0, 0].numpy()
        np.testing.assert_allclose(np.array(got).reshape(size), want, atol=1e-5)


def test_the_page_measures_as_the_library(laboratory):
    a, b = (torch.rand(1, 1, 12, 10, generator=torch.Generator().manual_seed(seed)) for seed in (0, 1))
    a = 1.4 * a - 0.2  # an estimate leaves the range
    got = laboratory.evaluate(
        'async ([a, b]) => (await import("/_static/live/noise.js")).psnr({ pixels: a }, { pixels: b })',
        [a.flatten().tolist(), b.flatten().tolist()],
    )
    assert got == pytest.approx(metrics.psnr(a, b).item(), abs=1e-4)


def test_the_noise_has_the_chosen_strength_and_only_grows(laboratory):
    a, b = (
        np.array(laboratory.evaluate(
            """async (s) => [...(await import("/_static/live/noise.js"))
              .addNoise({ pixels: new Float32Array(90000) }, s).pixels]""", sigma))
        for sigma in (0.1, 0.2)
    )  # fmt: skip
    assert a.std() == pytest.approx(0.1, rel=0.02) and abs(a.mean()) < 0.002
    np.testing.assert_allclose(b, 2 * a, rtol=1e-5)


# ---- as a reader meets it ----------------------------------------------------------------------------------------


def test_nothing_is_loaded_before_the_click_and_nothing_leaves_the_page_after_it(browser, address):
    page, requests = browser.new_page(), []
    page.on("request", lambda request: requests.append(request))
    page.goto(address)
    assert [request.url for request in requests if not request.url.startswith("data:")] == [address]
    page.get_by_role("button", name="Try it").click()
    finished(page)
    page.locator("input[type=file]").set_input_files(upload("mine.png", picture(300, 200)))
    finished(page)
    sent = [r for r in requests if not r.url.startswith(("data:", "blob:"))]
    assert {r.method for r in sent} == {"GET"} and all(r.url.startswith(address.rsplit("/", 2)[0]) for r in sent)
    page.close()


def picture(width, height, kind="PNG", mode="L", **options):
    grey = torch.linspace(0, 255, width).repeat(height, 1).byte().numpy()
    file = io.BytesIO()
    Image.fromarray(grey).convert(mode).save(file, kind, **options)
    return file.getvalue()


def upload(name, content):
    return {"name": name, "mimeType": f"image/{Path(name).suffix[1:]}", "buffer": content}


def decibels(page, which):
    return float(re.search(r"([\d.]+) dB", page.locator("figcaption").nth(which).inner_text())[1])


def test_noise_goes_in_and_comes_out(reader):
    page = reader()
    assert page.locator(".live-status").inner_text().startswith("256 × 256 pixels in")
    assert 19.5 < decibels(page, 0) < 21  # -20 log10(25 / 255) is 20.17 dB; this network has seen only weaker noise
    page.locator("[name=network]").select_option("ffdnet-grey")
    finished(page)
    assert decibels(page, 1) > decibels(page, 0) + 6
    page.locator("[name=told]").press("Home")  # it is told that there is no noise
    finished(page)
    assert page.locator("[name=toldText]").inner_text() == "0" and decibels(page, 1) < decibels(page, 0) + 1
    page.locator("[name=level]").press("ArrowRight")  # the truth again
    finished(page)
    assert page.locator("[name=toldText]").inner_text() == "26" and decibels(page, 1) > decibels(page, 0) + 6


def test_a_pixel_is_looked_at_by_mouse_and_by_keyboard(reader):
    page = reader()
    stack, words = page.locator(".live-stack"), page.locator(".live-seen")
    page.wait_for_function("document.querySelector('.live-seen').textContent.startsWith('Row 128, column 128')")
    assert "17 × 17 pixels" in words.inner_text()  # eight layers
    stack.press("ArrowDown")
    stack.press("Shift+ArrowLeft")
    page.wait_for_function("document.querySelector('.live-seen').textContent.startsWith('Row 132, column 127')")
    box = stack.bounding_box()
    page.mouse.move(box["x"] + 1, box["y"] + 1)
    page.wait_for_function("/^Row [01], column [01]:/.test(document.querySelector('.live-seen').textContent)")
    assert page.locator(".live-over").evaluate("c => c.getContext('2d').getImageData(0, 0, 1, 1).data[3]") > 0


def test_everything_is_reached_by_keyboard(reader):
    page = reader(start=False)
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    finished(page)
    reached = []
    for _ in range(6):
        reached.append(page.evaluate("document.activeElement.name || document.activeElement.className"))
        page.keyboard.press("Tab")
    assert reached == ["sample", "file", "side", "network", "level", "live-stack"]  # from the button to the first field


def test_the_newest_wish_wins(reader):
    page = reader()
    for level in ("10", "50", "30"):
        page.locator("[name=level]").fill(level)
    page.locator("[name=network]").select_option("ffdnet-grey")
    page.locator("[name=network]").select_option("dncnn-10")
    page.locator("[name=sample]").select_option("brick")
    finished(page)
    assert decibels(page, 0) == pytest.approx(18.6, abs=0.3)  # sigma 30
    page.locator(".live-stack").press("ArrowUp")
    page.wait_for_function("document.querySelector('.live-seen').textContent.includes('17 × 17')")


def test_it_stops(reader):
    page = reader()
    page.locator("[name=side]").select_option("0")
    page.locator("[name=network]").select_option("ffdnet-grey")
    page.get_by_role("button", name="Stop").click()
    finished(page, "Stopped")
    page.locator("[name=side]").select_option("256")
    finished(page)


@pytest.mark.parametrize(
    ("file", "message"),
    [
        (upload("a.jpeg", picture(400, 300, "JPEG")[:3000]), "damaged: it cannot be read to its end"),
        (upload("a.png", b"no picture at all"), "cannot read that file as a picture"),
        (upload("a.png", b""), "cannot read that file as a picture"),
        (upload("a.png", picture(9000, 7000)), "has 63 megapixels; 60 is the most"),
    ],
)
def test_what_cannot_be_read_is_named_and_the_next_file_works(reader, file, message):
    page = reader()
    page.locator("input[type=file]").set_input_files(file)
    finished(page, message)
    page.locator("input[type=file]").set_input_files(upload("b.png", picture(64, 48)))
    finished(page, "^64 × 48 pixels")


def test_a_huge_file_is_refused_before_it_is_read(laboratory):
    message = laboratory.evaluate("""async () => {
      const { readPicture } = await import("/_static/live/pictures.js");
      return readPicture(new Blob([new Uint8Array(61e6)]), 256).catch((error) => error.message);
    }""")  # fmt: skip
    assert message == "The file has 61 MB; 60 MB is the most."


ON_ITS_SIDE = Image.Exif()
ON_ITS_SIDE[0x0112] = 6  # the camera was turned by a quarter


@pytest.mark.parametrize(
    ("file", "size"),
    [
        (upload("odd.png", picture(65, 47)), "64 × 46"),  # FFDNet needs even sides
        (upload("wide.png", picture(1500, 20)), "256 × 20"),
        (upload("tiny.png", picture(1, 1)), "2 × 2"),
        (upload("clear.png", picture(80, 60, mode="RGBA")), "80 × 60"),
        (upload("print.jpeg", picture(80, 60, "JPEG", "CMYK")), "80 × 60"),
        (upload("turned.jpeg", picture(80, 60, "JPEG", exif=ON_ITS_SIDE)), "60 × 80"),
    ],
)
def test_what_visitors_have_is_read(reader, file, size):
    page = reader()
    page.locator("input[type=file]").set_input_files(file)
    finished(page, f"^{size} pixels")


def test_a_whole_photograph_is_scaled_to_what_a_page_can_do(laboratory):
    uri = "data:image/png;base64," + base64.b64encode(picture(3000, 600)).decode()
    size = laboratory.evaluate("""async (uri) => {
      const { readPicture } = await import("/_static/live/pictures.js");
      const { width, height } = await readPicture(uri, 0);
      return [width, height];
    }""", uri)  # fmt: skip
    assert size == [1024, 204]


def test_without_simd_the_reader_is_told(reader):
    page = reader(start=False, prepare="WebAssembly.validate = () => false")
    page.get_by_role("button", name="Try it").click()
    page.get_by_text("too old for it").wait_for()
    assert page.get_by_alt_text("a still picture").is_visible()


def test_without_modules_in_workers_the_reader_is_told(reader):
    page = reader(start=False, prepare="window.Worker = class { terminate() {} }")
    page.get_by_role("button", name="Try it").click()
    page.get_by_text("too old for it").wait_for()


def test_weights_that_are_missing_are_told(reader):
    page = reader(start=False)
    page.route("**/*.safetensors", lambda route: route.fulfill(status=404))
    page.get_by_role("button", name="Try it").click()
    finished(page, "the server answers 404")


def test_a_page_opened_as_a_file_says_what_to_do(browser, tmp_path):
    file = tmp_path / "page.html"
    file.write_text(PAGE.format(top="", element=static(["dncnn-10"], STILL, "A denoiser")))
    page = browser.new_page()
    page.goto(file.as_uri())
    page.get_by_role("button", name="Try it").click()
    page.get_by_text("make serve").wait_for()
    assert page.get_by_alt_text("a still picture").is_visible()
    page.close()


@pytest.mark.parametrize("javascript", [True, False])
def test_in_a_notebook_and_without_javascript_the_picture_stays_alone(browser, tmp_path, javascript):
    file = tmp_path / "page.html"
    page_of_a_notebook = PAGE.replace(' data-content_root="{top}"', "")
    file.write_text(page_of_a_notebook.format(element=static(["dncnn-10"], STILL, "A denoiser")))
    with browser.new_context(java_script_enabled=javascript) as context:
        page = context.new_page()
        page.goto(file.as_uri())
        assert page.get_by_alt_text("a still picture").is_visible()
        assert page.locator("button").is_hidden()


@pytest.mark.parametrize("width", [1400, 390])
def test_nothing_is_wider_than_the_screen(reader, width):
    page = reader(width=width)
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_axe_finds_nothing(reader):
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe-playwright-python is missing")
    page = reader(start=False)
    for _ in range(2):
        found = axe.Axe().run(page).response["violations"]
        assert [(violation["id"], violation["nodes"][0]["html"]) for violation in found] == []
        if page.locator("form").count() == 0:
            page.get_by_role("button", name="Try it").click()
            finished(page)


# ---- what it is made of ------------------------------------------------------------------------------------------


def test_the_kernel_is_rebuilt_to_the_same_bytes(tmp_path):
    """With the compiler that its source names; ``pip install ziglang==...`` (80 MB) brings it."""
    source = (LIVE / "conv.c").read_text()
    pinned = re.search(r"ziglang==([\d.]+)", source)[1]
    if importlib.util.find_spec("ziglang") is None:
        pytest.skip(f"the compiler is missing (pip install ziglang=={pinned})")
    if importlib.metadata.version("ziglang") != pinned:
        pytest.skip(f"another compiler than ziglang {pinned}")
    options = re.search(r"ziglang (cc .*?)conv\.c ", re.sub(r"\n//\s*", " ", source))[1].split()
    options[options.index("-o") + 1] = str(tmp_path / "conv.wasm")
    cache = {"ZIG_GLOBAL_CACHE_DIR": str(tmp_path), "ZIG_LOCAL_CACHE_DIR": str(tmp_path)}
    command = [sys.executable, "-m", "ziglang", *options, str(LIVE / "conv.c")]
    subprocess.run(command, check=True, env={"PATH": "/usr/bin:/bin"} | cache, timeout=300)
    assert (tmp_path / "conv.wasm").read_bytes() == (LIVE / "conv.wasm").read_bytes()


def test_it_weighs_little():
    files = [*LIVE.glob("*.js"), LIVE / "conv.wasm", LIVE / "live.css"]
    assert sum(len(gzip.compress(file.read_bytes())) for file in files) < 20_000
