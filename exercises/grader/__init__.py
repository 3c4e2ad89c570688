"""The grader: points for a class's notebooks, from a process that no notebook can cheat or crash.

python -m exercises.grader grade SUBMISSIONS --out grades.csv

A submission passes through these files, each of which does one thing:

`collect`  finds the submissions, one file a student, and refuses what cannot be read;
`master`   reads the instructor's notebook;
`answers`  takes the answer cells of a submission, and nothing else, and makes a job of them;
`sandbox`  is the command that locks a process in; ``inside/`` is all that runs behind the lock;
`run`      talks to that process: answers and visible checks first, hidden cells only when these are over;
`compare`  holds what came out against what the master's own answers gave, out here, where no student's code runs;
`grade`    does all of this for one submission, and its `result` is plain data;
`whole_class` does it for everyone, in parallel, and keeps a result a student on disk;
`by_hand`  reads the points that a person gives;
`report`, `pages` (with ``templates/``) and `tables` make what people read, and `write` writes it.

``trial/`` makes a class to try all this on.
"""
