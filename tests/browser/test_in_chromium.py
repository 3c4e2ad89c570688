"""explore, compare and hover moved in headless Chromium, in a page opened from a file, as a reader does it."""

from types import SimpleNamespace

import pytest
import torch

from course_lib import plotting
from course_lib.explore import compare, explore, hover

LEVELS = [0.0, 0.2, 0.4, 0.6]
PAGE = """<!doctype html><html lang="en" data-theme="{theme}"><head><meta charset="utf-8"><title>Test</title>
<meta name="viewport" content="width=device-width"><style>
html[data-theme="dark"] {{ background: #14181e; color: #ced6dd }}
/* what the book's theme does to pictures and to HTML outputs in dark mode */
html[data-theme="dark"] .bd-content img {{ filter: brightness(.8) contrast(1.2) }}
html[data-theme="dark"] .bd-content div.cell_output .text_html {{ background: #ced6dd; padding: .5rem }}
</style></head><body><div class="bd-content">{outputs}</div></body></html>"""


@pytest.fixture
def visit(browser, monkeypatch, tmp_path):
    """``visit(call, ...)`` -> the page with what the calls displayed. Requests and console errors fail."""
    monkeypatch.setenv("COURSE_STATIC", "1")
    outputs, requests, errors, pages = [], [], [], []
    # as in a notebook, whose kernel has a shell; a plain script gets the description alone
    monkeypatch.setattr("IPython.core.interactiveshell.InteractiveShell.initialized", lambda: True)
    monkeypatch.setattr("IPython.display.display", lambda bundle, raw: outputs.append(bundle["text/html"]))

    def visit(*calls, theme="light", width=1400, touch=False):
        for call in calls:
            call()
        cells = [f'<div class="cell_output"><div class="text_html">{html}</div></div>' for html in outputs]
        file = tmp_path / "page.html"
        file.write_text(PAGE.format(theme=theme, outputs="\n".join(cells)), encoding="utf-8")
        page = browser.new_page(viewport={"width": width, "height": 900}, has_touch=touch)
        page.on("request", lambda request: requests.append(request.url))
        page.on("console", lambda message: errors.append(message.text))
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.goto(file.as_uri())
        pages.append(page)
        return page

    yield visit
    for page in pages:
        page.close()
    assert errors == []
    assert [url for url in requests if not url.startswith(("data:", "file:"))] == []


def greys(size=64, **options):
    """A slider over flat images: the brightness of the picture says which frame is visible."""
    explore(
        lambda v: ([torch.full((size, size), v), torch.zeros(size, size)], f"brightness {v}"),
        LEVELS, label="level", titles=["grey", "black"], alt="A grey square beside a black one", **options,
    )  # fmt: skip


def black_and_white(size=100):
    compare(torch.zeros(size, size), torch.ones(size, size), alt="A square", before_label="black", after_label="white")


def brightness(page, selector="img >> nth=0", x=0.5, y=0.5) -> int:
    """The brightness on the screen in the middle of the element (or at another fraction of it), 0 to 255."""
    import io

    from PIL import Image

    with Image.open(io.BytesIO(page.locator(selector).screenshot())) as picture:
        return picture.convert("L").getpixel((int(x * picture.width), int(y * picture.height)))


def test_the_slider_is_moved_by_keyboard(visit):
    page = visit(greys)
    page.keyboard.press("Tab")
    slider, seen = page.locator("input"), []
    for _ in LEVELS:
        seen.append(brightness(page))
        assert page.locator("output").inner_text() == slider.get_attribute("aria-valuetext")
        page.keyboard.press("ArrowRight")
    assert seen == [0, 51, 102, 153]
    assert page.locator("output").inner_text() == "0.6"
    assert page.locator("img").nth(0).get_attribute("alt") == "grey, level 0.6"
    page.keyboard.press("Home")
    assert brightness(page) == 0 and page.locator(".cl-caption").inner_text() == "brightness 0.0"


def test_the_slider_is_moved_by_mouse(visit):
    page = visit(lambda: greys(start=0.4))
    assert brightness(page) == 102
    box = page.locator("input").bounding_box()
    page.mouse.click(box["x"] + box["width"] - 4, box["y"] + box["height"] / 2)
    assert brightness(page) == 153
    assert page.locator(".cl-caption").inner_text() == "brightness 0.6"
    assert brightness(page, "img >> nth=1") == 0


def test_a_frame_is_described_after_it_changed_and_before(visit):
    page = visit(greys)
    group = page.get_by_role("group", name="A grey square beside a black one")
    slider = group.get_by_role("slider", name="level")
    assert slider.get_attribute("aria-valuetext") == "0"
    slider.press("ArrowRight")
    assert slider.get_attribute("aria-valuetext") == "0.2"


def test_the_same_element_twice_in_a_page_is_two_elements(visit):
    page = visit(greys, greys)
    page.locator("input").nth(1).press("End")
    assert page.locator("output").all_inner_texts() == ["0", "0.6"]
    assert [brightness(page, f"img >> nth={i}") for i in (0, 2)] == [0, 153]
    names = [page.locator("img").nth(i).get_attribute("alt") for i in (0, 2)]
    assert names == ["grey, level 0", "grey, level 0.6"]


def test_the_line_is_dragged_by_mouse_and_stays_where_it_is_let_go(visit):
    page = visit(black_and_white)
    stack = ".cl-stack"
    assert [brightness(page, stack, x) for x in (0.1, 0.4, 0.6, 0.9)] == [0, 0, 255, 255]
    box = page.locator(stack).bounding_box()
    y = box["y"] + 30
    page.mouse.move(box["x"] + 50, y)
    page.mouse.down()
    page.mouse.move(box["x"] + 80, y, steps=5)
    assert [brightness(page, stack, x) for x in (0.1, 0.7, 0.9)] == [0, 0, 255]
    page.mouse.move(box["x"] + 300, y)  # beyond the edge
    assert brightness(page, stack, 0.9) == 0
    page.mouse.move(box["x"] + 20, y)
    page.mouse.up()
    page.mouse.move(box["x"] + 90, y)
    assert [brightness(page, stack, x) for x in (0.1, 0.3, 0.9)] == [0, 255, 255]
    assert page.locator("input").get_attribute("aria-valuetext") == "20 % black, 80 % white"


def test_the_line_is_moved_by_keyboard_also_after_a_click_on_the_picture(visit):
    page = visit(black_and_white)
    page.locator("input").press("Home")
    assert brightness(page, ".cl-stack", 0.1) == 255
    page.locator(".cl-stack").click(position={"x": 70, "y": 50})
    page.keyboard.press("ArrowRight")
    assert page.locator("input").input_value() == "71"
    page.keyboard.press("End")
    assert brightness(page, ".cl-stack", 0.9) == 0


def test_the_line_follows_a_finger(visit):
    page = visit(black_and_white, width=390, touch=True)
    box = page.locator(".cl-stack").bounding_box()
    page.touchscreen.tap(box["x"] + 25, box["y"] + 50)
    assert page.locator("input").input_value() == "25"
    finger = page.context.new_cdp_session(page)

    def touch(kind, *points):
        where = [{"x": box["x"] + x, "y": box["y"] + 50} for x in points]
        finger.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": where})

    touch("touchStart", 25)
    for x in range(30, 81, 5):
        touch("touchMove", x)
    touch("touchEnd")
    assert page.locator("input").input_value() == "80"


def test_without_its_script_the_page_still_shows_the_first_frame(browser, visit, tmp_path):
    visit(lambda: greys(start=0.6), black_and_white)
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto((tmp_path / "page.html").as_uri())
    assert brightness(page) == 153
    assert [brightness(page, ".cl-stack", x) for x in (0.3, 0.7)] == [0, 255]
    context.close()


def test_it_works_in_a_sandboxed_frame(browser, visit, tmp_path):
    """Colab shows every output in a frame of its own that may run scripts and do little else."""
    visit(greys)
    outer = tmp_path / "outer.html"
    outer.write_text('<iframe sandbox="allow-scripts" src="page.html" width="600" height="400"></iframe>')
    page = browser.new_page()
    page.goto(outer.as_uri())
    inside = page.frame_locator("iframe")
    inside.locator("input").press("End")
    assert inside.locator("output").inner_text() == "0.6"
    page.close()


def everything():
    greys(size=256)
    compare(torch.zeros(256, 512), torch.ones(256, 512), alt="A wide rectangle", zoom=2)
    plotting.images([torch.full((90, 500), 0.5)] * 3, ["a title " * 12] * 3, alt="Three grey boxes", columns=2)


@pytest.mark.parametrize("width", [1400, 390])
def test_nothing_is_wider_than_the_screen(visit, width):
    page = visit(everything, width=width)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    images = [SimpleNamespace(**box) for box in page.evaluate(
        "[...document.images].map(i => i.getBoundingClientRect().toJSON())")]  # fmt: skip
    assert all(image.left >= 0 and image.right <= width and image.width > 0 for image in images)


def test_in_dark_mode_pixels_keep_their_values_and_text_is_light(visit):
    page = visit(lambda: greys(start=0.4), everything, theme="dark")
    assert brightness(page) == 102
    for selector in (".cl-w", "output", "figcaption", ".cl-control span", ".cl-caption"):
        colour = page.locator(selector).first.evaluate("e => getComputedStyle(e).color")
        assert colour == "rgb(206, 214, 221)", selector
    assert brightness(page, ".text_html >> nth=0", 0.9, 0.9) < 40, "no light box behind it"


def test_pixels_are_enlarged_without_smoothing(visit):
    page = visit(lambda: plotting.images(torch.eye(2), alt="Two white pixels", zoom=40))
    seen = {brightness(page, "img", x, y) for x in (0.1, 0.3, 0.45, 0.55, 0.8) for y in (0.1, 0.45, 0.55, 0.8)}
    assert seen == {0, 255}


def row_and_column():
    """A black square of 100 pixels; the row and the column of the pixel pointed at are drawn over it."""

    def see(row, column):
        weights = torch.zeros(100, 100)
        weights[row], weights[:, column] = 1, 1
        return weights, f"row {row}, column {column}"

    hover(torch.zeros(100, 100), see, alt="A black square", step=10, zoom=2)


def test_hovering_shows_what_belongs_to_the_pixel(visit):
    page = visit(row_and_column)
    stack, caption = ".cl-stack", page.locator(".cl-caption")
    assert caption.inner_text() == "row 55, column 55"
    assert brightness(page, stack, 0.2, 0.5575) > 50 and brightness(page, stack, 0.2, 0.7) == 0
    box = page.locator(stack).bounding_box()
    page.mouse.move(box["x"] + 0.27 * box["width"], box["y"] + 0.82 * box["height"])
    assert caption.inner_text() == "row 85, column 25"
    assert brightness(page, stack, 0.2, 0.8575) > 50 and brightness(page, stack, 0.2, 0.5575) == 0
    assert brightness(page, stack, 0.2575, 0.5) > 50 and brightness(page, stack, 0.2575, 0.8575) == 255, "the mark"


def test_the_arrow_keys_move_the_pixel_and_stop_at_the_border(visit):
    page = visit(row_and_column)
    page.keyboard.press("Tab")
    page.keyboard.press("ArrowUp")
    page.keyboard.press("ArrowRight")
    assert page.locator(".cl-caption").inner_text() == "row 45, column 65"
    for _ in range(9):
        page.keyboard.press("ArrowRight")
    assert page.locator(".cl-caption").inner_text() == "row 45, column 95"
    assert page.get_by_role("application", name="A black square").count() == 1


def test_a_finger_taps_the_pixel(visit):
    page = visit(row_and_column, width=390, touch=True)
    box = page.locator(".cl-stack").bounding_box()
    page.touchscreen.tap(box["x"] + 0.04 * box["width"], box["y"] + 0.96 * box["height"])
    assert page.locator(".cl-caption").inner_text() == "row 95, column 5"
