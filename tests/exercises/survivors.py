"""Mutants that behave like the master's answer, looked at one by one, and why: they are not to be caught."""

# {question: {a part of what was changed: the reason}}
EQUIVALENT: dict[str, dict[str, str]] = {}
