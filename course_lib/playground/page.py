"""The playground's face: a page in Gradio, made from the list of tasks. Alone in a browser, or in a notebook."""

import time
from collections.abc import Iterable
from functools import partial
from html import escape
from pathlib import Path

from torch import Tensor
from torch.nn import functional as F

from .. import data
from ..explore._element import is_live
from ..plotting import pixels
from ..plotting._display import check_alt, publish
from .catalogue import tasks
from .pictures import read_picture
from .task import Choice, Task, View
from .turn import Turn, begin, end, stop

SAMPLES = {"a cat": "chelsea", "a cup of coffee": "coffee", "a rocket": "rocket", "a brick wall": "brick"}
SECONDS = 0.7  # between two pictures on the way: they are sent to the browser
ON_THE_WAY = 80  # their quality; the last ones are stored as they are
WELCOME = "Choose a picture and something to do with it. It stays on the machine that this page comes from."
CSS = """
.playground-status progress { width: 100%; height: 1rem; appearance: auto; accent-color: var(--color-accent); }
.cl-row figure { min-width: min(100%, 12rem); }
"""
# Nothing on the page is fetched from elsewhere; Gradio starts no tunnel and no second server.
LAUNCH = {"share": False, "ssr_mode": False, "pwa": False, "footer_links": [], "max_file_size": "250mb", "quiet": True}


def playground(more: Iterable[Task] = ()):
    """The page, a ``gradio.Blocks``; `launch` starts it.

    Args:
        more: tasks of your own, which come first.

    One picture is computed at a time, and whoever comes next sees that he waits. Uploaded files are deleted after an
    hour.

    Raises: ``ImportError`` without Gradio.
    """
    gr, offered = gradio(), [*more, *tasks()]
    with gr.Blocks(title="Playground", analytics_enabled=False, delete_cache=(600, 3600)) as app:
        gr.Markdown("# Playground\nThe networks of *Learning with Less Supervision*, on a picture of yours.")
        with gr.Row():
            with gr.Column(scale=2, min_width=320):
                file = gr.File(label="Your picture", height=160)
                sample = gr.Dropdown(list(SAMPLES), value=next(iter(SAMPLES)), label="or one of ours")
                names = [task.title for task in offered]
                chosen = gr.Radio(names, value=names[0], label="What to do")
                groups, starts = zip(*(_controls(gr, task, task is offered[0]) for task in offered), strict=True)
                stop_button = gr.Button("Stop")
            with gr.Column(scale=3, min_width=320):
                status, shown = gr.HTML(_status(View(0, WELCOME))), gr.HTML()
        chosen.change(
            lambda title: [gr.update(visible=name == title) for name in names], chosen, list(groups), queue=False,
            show_progress="hidden", api_visibility="private",
        )  # fmt: skip
        turn = gr.State(delete_callback=end)  # also when the visitor closes the page
        for task, (button, widgets) in zip(offered, starts, strict=True):
            button.click(
                partial(_begun, task), turn, [turn, status], queue=False, show_progress="hidden",
                api_visibility="private",
            ).then(
                _runner(gr, task), [turn, file, sample, *widgets], [status, shown], concurrency_id="one at a time",
                concurrency_limit=1, trigger_mode="multiple", show_progress="full", api_visibility="private",
            )  # fmt: skip
        stop_button.click(_stopped, turn, status, queue=False, show_progress="hidden", api_visibility="private")
    return app


def launch(app, **options):
    """Start the page; ``options`` as of ``gradio.Blocks.launch``. Returns what that returns."""
    fonts = {"font": ["system-ui", "sans-serif"], "font_mono": ["ui-monospace", "monospace"]}  # none is fetched
    theme = gradio().themes.Default(primary_hue="blue", neutral_hue="slate", **fonts)
    return app.launch(**LAUNCH | {"theme": theme, "css": pixels.css() + CSS} | options)


def show(alt: str, more: Iterable[Task] = (), height: int = 900) -> None:
    """Put the playground into a notebook, in JupyterLab or on Colab; where no person runs the cell, say what it is.

    Args:
        alt: one sentence that stands in its place.
        more: tasks of your own, which come first.
        height: of its frame, in pixels.
    """
    if not is_live():
        publish(check_alt(alt), "text/html", f"<p>{escape(check_alt(alt))}</p>")
        return
    if _running:
        _running.pop().close(verbose=False)  # the cell is run again
    _running.append(playground(more))
    launch(_running[0], inline=True, height=height)


_running: list = []


def gradio():
    """The package, or an ``ImportError`` that says how to get it."""
    try:
        import gradio
    except ImportError as error:
        raise ImportError('the playground needs Gradio: pip install "course_lib[playground]"') from error
    return gradio


def _controls(gr, task: Task, visible: bool):
    """What is seen when the task is chosen: (all of it, (the button, the widgets))"""
    with gr.Column(visible=visible) as group:
        gr.Markdown(task.about)
        widgets = _widgets(gr, task)
        return group, (gr.Button(f"Run: {task.title}", variant="primary"), widgets)


def _widgets(gr, task: Task) -> list:
    made = []
    for control in task.controls.values():
        if isinstance(control, Choice):
            made.append(gr.Dropdown(list(control.options), value=next(iter(control.options)), label=control.label))
        else:
            made.append(gr.Slider(control.low, control.high, control.start, step=control.step, label=control.label))
    return made


def _begun(task: Task, before: Turn | None):
    return begin(task, before), _status(View(0, "Waiting for the machine …"))


def _stopped(turn: Turn | None) -> str:
    stop(turn)
    return STOPPED


def _runner(gr, task: Task):
    """A generator for Gradio. It looks between two steps whether its turn is over, and gives the machine back."""

    def run(turn, file, sample, *values):
        if turn.over or turn.task is not task:  # stopped while it was waiting
            return
        try:
            picture = _picture(file, sample, task)
            last = -SECONDS
            for view in task.run(picture, **_arguments(task, values)):
                if turn.over:
                    break
                late = time.monotonic() - last > SECONDS or view.fraction == 1
                yield _status(view), _figures(view) if late and view.pictures else gr.skip()
                last = time.monotonic() if late else last
        except ValueError as error:  # a message: an error of Gradio's would leave its file field stuck
            yield _status(View(0, str(error))), ""
        finally:
            end(turn)
        if turn.stopped:  # once more: a view that was on its way may have come after the first
            yield STOPPED, gr.skip()

    return run


def _arguments(task: Task, values) -> dict:
    """Dropdowns hand over what the visitor reads; an option may be anything."""
    named = zip(task.controls.items(), values, strict=True)
    return {name: c.options[value] if isinstance(c, Choice) else value for (name, c), value in named}


def _picture(file: str | None, sample: str, task: Task) -> Tensor:
    if file:
        return read_picture(Path(file), task.longest, task.colour)
    x = data.photographs(None, not task.colour, [SAMPLES[sample]])[SAMPLES[sample]][None]
    scale = min(1, task.longest / max(x.shape[-2:]))
    return F.interpolate(x, [round(scale * n) for n in x.shape[-2:]], mode="bilinear", antialias=True).clamp(0, 1)


def _status(view: View) -> str:
    bar = f'<progress value="{view.fraction:.3f}" max="1" aria-label="progress"></progress>'
    return f'<div class="playground-status">{bar}<p role="status">{escape(view.words)}</p></div>'


STOPPED = _status(View(0, "Stopped."))


def _figures(view: View) -> str:
    pictures = pixels.as_list([x[0] if x.ndim == 4 else x for x in view.pictures.values()])
    quality = None if view.fraction == 1 else ON_THE_WAY
    return f'<div class="cl-w">{pixels.grid(pictures, "result", list(view.pictures), quality=quality)}</div>'
