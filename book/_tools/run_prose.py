"""The kernel's part of computed prose: a Markdown cell's expressions, evaluated when the cells before it have run."""

import ast
from dataclasses import dataclass

from nbclient import NotebookClient
from prose import Comment, read, write
from sentences import sentence_of

TIDY = "__import__('re').sub(r'\\A-(?=0(?:\\.0*)?\\Z)', '', {})"  # nothing is "-0.0" in a text


@dataclass(frozen=True)
class Claim:
    """A claim of the prose and whether it holds in this run.

    Attributes:
        cell: the index of its Markdown cell.
        expression: what is claimed, in Python.
        holds: whether it is so.
        sentence: the sentence that says it, with this run's numbers.
    """

    cell: int
    expression: str
    holds: bool
    sentence: str


class Client(NotebookClient):
    """Executes a notebook; on the way, writes the values into its Markdown and notes which claims hold.

    Attributes:
        claims: those met so far.
        prose_errors: expressions that cannot be computed, whatever the profile.
        no_numbers: values like NaN, which the tiny inputs of a smoke run may give.
    """

    def __init__(self, nb, **options):
        super().__init__(nb, **options)
        self.claims: list[Claim] = []
        self.prose_errors: list[str] = []
        self.no_numbers: list[str] = []

    async def async_execute_cell(self, cell, cell_index, **options):
        done = await super().async_execute_cell(cell, cell_index, **options)
        if cell.cell_type == "markdown":
            await self._compute(cell, cell_index)
        return done

    async def _compute(self, cell, index):
        comments = [c for c in read(cell.source)[0] if c.kind in ("=", "?")]
        if not comments:
            return
        answers = await self._evaluate([kernel_expression(c) for c in comments])
        values, truths = {}, {}
        for comment, answer in zip(comments, answers, strict=True):
            if isinstance(answer, Exception):
                text = f"cell {index}: {comment.expression}: {answer}: {sentence_of(cell.source, comment)!r}"
                self.prose_errors.append(text)
            elif comment.kind == "?":
                truths[comment] = answer
            elif answer[0] in ("float", "float64", "float32", "Tensor") and not comment.format:
                self.prose_errors.append(f"cell {index}: {comment.expression} needs a format, such as ' :.1f'")
            else:
                values[comment] = answer[1]
                if answer[1] in ("nan", "inf", "-inf"):
                    self.no_numbers.append(f"cell {index}: {comment.expression} is {answer[1]}")
        before = cell.source
        try:
            cell.source = write(before, values)
        except ValueError as error:
            self.prose_errors.append(f"cell {index}: {error}")
        # The same claims, at their new places.
        now = [c for c in read(cell.source)[0] if c.kind in ("=", "?")]
        for then, comment in zip(comments, now, strict=True):
            if then in truths:
                sentence = sentence_of(cell.source, comment)
                self.claims.append(Claim(index, comment.expression, truths[then], sentence))

    async def _evaluate(self, expressions):
        """What the kernel makes of each expression: a Python literal, or the exception that it raised."""
        asked = {str(i): expression for i, expression in enumerate(expressions)}
        message = self.kc.execute("", silent=True, store_history=False, user_expressions=asked)
        while True:
            reply = await self.kc.get_shell_msg(timeout=None)
            if reply["parent_header"].get("msg_id") == message:
                break
        answers = reply["content"].get("user_expressions", {})
        return [_literal(answers[str(i)]) for i in range(len(expressions))]


def kernel_expression(comment: Comment) -> str:
    """What to ask the kernel: of a claim its truth, of a value the name of its type and its text."""
    if comment.kind == "?":
        return f"True if ({comment.expression}) else False"
    text = TIDY.format(f"value.__format__({comment.format!r})")
    return f"(lambda value: (value.__class__.__name__, {text}))({comment.expression})"


def _literal(answer):
    if answer["status"] != "ok":
        return RuntimeError(f"{answer.get('ename')}: {answer.get('evalue')}")
    return ast.literal_eval(answer["data"]["text/plain"])
