"""A job for the sandbox: the master's cells, with the student's answers in place of the solutions and nothing else.

Whatever a student did to the rest of the notebook (checks deleted, edited, doubled, in another order) is of no
consequence: none of it is looked at.
"""

from course_lib.exercises.notebook import blank, finished, loose_code, loose_prose, marks, prose, text

from .master import Master, Question


def cells_of(notebook: dict) -> list[dict]:
    return [cell for cell in notebook["cells"] if isinstance(cell, dict)]


def code_cells(notebook: dict) -> list[dict]:
    return [cell for cell in cells_of(notebook) if cell.get("cell_type") == "code"]


def marked(notebook: dict) -> set[str]:
    """The grade_ids of its code cells."""
    return {marks(cell)["grade_id"] for cell in code_cells(notebook) if marks(cell)}


def find_answers(notebook: dict, master: Master) -> tuple[dict[str, list[str]], list[str]]:
    """The student's code for each answer cell, and notes on what had to be guessed.

    All cells with the answer's grade_id count, in their order: someone splits a cell in two, or copies it and goes on
    in the copy. What they do not define, or only as the stub, is looked for, by its name, in cells without any mark.
    """
    answers, notes = {}, []
    for grade_id, solution in master.answers.items():
        mine = [text(cell) for cell in code_cells(notebook) if marks(cell).get("grade_id") == grade_id]
        if done := [source for source in mine if finished([source]) or not blank(source)]:
            mine = done  # an untouched copy below would put the stub in the answer's place
        if len(mine) > 1:
            notes.append(f"{len(mine)} cells {grade_id}, run in their order")
        found = loose_code(cells_of(notebook), set(solution.names) - finished(mine))
        if found:
            where = "in a cell below its stub" if mine else "by the name of what it defines"
            notes.append(f"{grade_id} found {where}")
        if mine + found:
            answers[grade_id] = mine + found
    return answers, notes


def find_essays(notebook: dict, master: Master) -> tuple[dict[str, str], list[str]]:
    """For each question that a person reads, what the student wrote, code and text; empty if there is no text."""
    cells, written, notes = cells_of(notebook), {}, []
    for q in master.questions:
        if q.by_hand:
            grade_id = q.id.replace(".", "-", 1)
            parts = [text(c) for c in cells if marks(c).get("grade_id") in q.answers and prose(text(c))]
            texts = [text(c) for c in cells if marks(c).get("grade_id") == grade_id]
            extra = loose_prose(cells, grade_id) if texts else unmarked_essay(cells, master, q)
            if extra:
                notes.append(f"{q.id}: text found in {'a cell of its own' if texts else 'cells without marks'}")
            if not texts:
                extra = [*loose_code(cells, q.names), *extra]
            written[q.id] = "\n\n".join(parts + extra) if any(map(prose, texts)) or extra else ""
    return written, notes


def unmarked_essay(cells: list[dict], master: Master, question: Question) -> list[str]:
    """Of a notebook that has lost its marks: the text that is not the master's, below the question's own."""
    found, here = [], ""
    for cell in cells:
        if cell.get("cell_type") == "markdown" and not marks(cell):
            said = text(cell).strip()
            here = master.given_text.get(said, here)
            if here == question.id and said not in master.given_text and prose(said):
                found.append(text(cell))
    return found


def job(master: Master, answers: dict[str, list[str]]) -> dict:
    """What the keeper is told first: cells and visible checks, nothing hidden."""
    questions = []
    for q in master.graded:
        cells = []
        for cell in q.before[len(master.given) :]:
            sources = answers.get(cell.id, []) if cell.answer else [cell.source]
            cells += [{"id": cell.id, "source": source, "answer": cell.answer} for source in sources]
        questions.append({"id": q.id, "cells": cells, "check": q.check})
    return {"given": [cell.source for cell in master.given], "questions": questions}


def solutions(master: Master) -> dict[str, list[str]]:
    """The master's own answers, which make the reference."""
    return {grade_id: [cell.source] for grade_id, cell in master.answers.items()}
