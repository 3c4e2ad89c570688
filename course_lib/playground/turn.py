"""Whose turn it is to compute. A run that looks at its turn between two steps always gives the machine back.

Gradio could cancel the event instead (``cancels=``). But its page sends one request for each event that the button may
cancel, each after the answer to the one before, which comes when the running step is done. By then the visitor may have
started the next task, and a late request ends that one, without a word.
"""

from dataclasses import dataclass

from .task import Task


@dataclass(eq=False)
class Turn:
    """From a visitor's press on Run until its end, or until he presses Stop or Run again.

    Attributes:
        task: what he wants. over: what runs for it leaves at its next step.
        stopped: by Stop, and nothing was started since.
    """

    task: Task
    over: bool = False
    stopped: bool = False


def begin(task: Task, before: Turn | None) -> Turn:
    """A visitor's next turn; it ends the one before."""
    end(before)
    if before:
        before.stopped = False
    return Turn(task)


def stop(turn: Turn | None) -> None:
    """He has pressed Stop, perhaps before he ran anything."""
    end(turn)
    if turn:
        turn.stopped = True


def end(turn: Turn | None) -> None:
    if turn:
        turn.over = True
