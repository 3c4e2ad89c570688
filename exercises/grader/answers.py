"""A job for the sandbox: the master's cells, with the student's answers in place of the solutions and nothing else.

Whatever a student did to the rest of the notebook (checks deleted, edited, doubled, in another order) is of no
consequence: none of it is looked at.
"""

from course_lib.exercises.notebook import defined, marks, prose, text

from .master import Master


def find_answers(notebook: dict, master: Master) -> tuple[dict[str, list[str]], list[str]]:
    """The student's code for each answer cell, and notes on what had to be guessed.

    All cells with the answer's grade_id count, in their order: someone splits a cell in two, or copies it and goes on
    in the copy. What they do not define is looked for, by its name, in cells without any mark.
    """
    code = code_cells(notebook)
    loose = [(text(cell), defined([text(cell)])) for cell in code if not marks(cell)]
    answers, notes = {}, []
    for grade_id, solution in master.answers.items():
        mine = [text(cell) for cell in code if marks(cell).get("grade_id") == grade_id]
        if len(mine) > 1:
            notes.append(f"{len(mine)} cells {grade_id}, run in their order")
        lost = solution.names - defined(mine)
        found = [source for source, names in loose if lost & names]
        if found:
            notes.append(f"{grade_id} found by the name of what it defines")
        if mine + found:
            answers[grade_id] = mine + found
    return answers, notes


def code_cells(notebook: dict) -> list[dict]:
    return [cell for cell in notebook["cells"] if isinstance(cell, dict) and cell.get("cell_type") == "code"]


def marked(notebook: dict) -> set[str]:
    """The grade_ids of its code cells."""
    return {marks(cell)["grade_id"] for cell in code_cells(notebook) if marks(cell)}


def by_hand_answers(notebook: dict, master: Master) -> dict[str, str]:
    """For each question that a person reads, what the student wrote, code and text; empty if there is no text."""
    cells = [cell for cell in notebook["cells"] if isinstance(cell, dict)]
    written = {}
    for q in master.questions:
        if q.by_hand:
            written_there = [text(c) for c in cells if marks(c).get("grade_id") == q.id.replace(".", "-", 1)]
            empty = not any(prose(part) for part in written_there)
            all_of_it = "\n\n".join(text(c) for c in cells if marks(c).get("grade_id") in q.answers)
            written[q.id] = "" if empty else all_of_it
    return written


def job(master: Master, answers: dict[str, list[str]]) -> dict:
    """What the keeper is told first: cells and visible checks, nothing hidden."""
    questions = []
    for q in master.graded:
        cells = []
        for cell in q.before[len(master.given) :]:
            sources = answers.get(cell.id, []) if cell.answer else [cell.source]
            cells += [{"id": cell.id, "source": source} for source in sources]
        questions.append({"id": q.id, "cells": cells, "check": q.check})
    return {"given": [cell.source for cell in master.given], "questions": questions}


def solutions(master: Master) -> dict[str, list[str]]:
    """The master's own answers, which make the reference."""
    return {grade_id: [cell.source] for grade_id, cell in master.answers.items()}
