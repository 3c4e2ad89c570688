"""The benchmark's own task files: which patches are compared. Read, drawn anew for other sequences, and written.

Names and columns are the benchmark's: ``verif_pos_split-X.csv``, ``verif_neg_intra_...``, ``verif_neg_inter_...`` with
``s1,t1,idx1,s2,t2,idx2``; ``retr_queries_split-X.csv``, ``retr_distractors_...`` with ``s,idx``. A type ``t`` is 0 for
the reference and 1 to 5 for the targets of whichever difficulty is evaluated.

Balntas et al., CVPR 2017, https://arxiv.org/abs/1704.05939
"""

import csv
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

KINDS = {"positive": "pos", "intra": "neg_intra", "inter": "neg_inter"}
TYPES = 5  # the highest type: targets 1 to 5, and 0 for the reference


@dataclass(frozen=True)
class Pairs:
    """Pairs of patches, as `draw_pairs` draws and `read_tasks` reads them.

    Attributes:
        sequences: the names, to which the pairs refer by their place.
        first: of each pair, three (P,) int64: place in ``sequences``, type (0 to 5), index of the patch.
        second: the same of the other patch.
    """

    sequences: list[str]
    first: tuple[Tensor, Tensor, Tensor]
    second: tuple[Tensor, Tensor, Tensor]


@dataclass(frozen=True)
class Retrieval:
    """Which reference patches take part in the retrieval, as `draw_retrieval` draws and `read_tasks` reads them.

    Attributes:
        queries: (name of the sequence, index of the patch) of each.
        distractors: the same; their order is that of the pools.
    """

    queries: list[tuple[str, int]]
    distractors: list[tuple[str, int]]


def draw_pairs(lengths: dict[str, int], count: int, seed: int = 0) -> dict[str, Pairs]:
    """``count`` positives, negatives within a sequence and negatives between sequences, drawn as the benchmark's.

    The three lists share the first patch of each pair. (One in a hundred of the benchmark's pairs between sequences
    has both patches from one, since it draws them blindly; here none has.)

    Args:
        lengths: patches of each sequence, at least 2, by its name.
        seed: another seed is another draw.

    Returns: ``{"positive": Pairs, "intra": Pairs, "inter": Pairs}``, (count,) each.
    Raises: ``ValueError`` for fewer than two sequences, fewer than two patches in one, a count below 5.
    """
    if count < 5 or len(lengths) < 2 or min(lengths.values()) < 2:
        raise ValueError(f"pairs need two sequences of two patches and a count of at least 5, got {lengths}, {count}")
    draw = torch.Generator().manual_seed(seed)
    names, number = list(lengths), torch.tensor(list(lengths.values()))

    def index(sequence: Tensor) -> Tensor:
        return (torch.rand(count, generator=draw, dtype=torch.float32).double() * number[sequence]).long()

    a = torch.randint(len(names), (count,), generator=draw)
    other = (a + torch.randint(1, len(names), (count,), generator=draw)) % len(names)
    types = torch.rand(count, 5, generator=draw, dtype=torch.float32).argsort(1)[
        :, :2
    ]  # two different ones among ref and targets 1 to 4
    i = index(a)
    beside = (
        i + 1 + (torch.rand(count, generator=draw, dtype=torch.float32).double() * (number[a] - 1)).long()
    ) % number[a]
    first = (a, types[:, 0], i)
    seconds = {"positive": (a, types[:, 1], i), "intra": (a, types[:, 1], beside)}
    seconds["inter"] = (other, types[:, 1], index(other))
    return {kind: Pairs(names, first, second) for kind, second in seconds.items()}


def draw_retrieval(sequences: dict[str, Tensor], queries: int, distractors: int, seed: int = 0) -> Retrieval:
    """Disjoint queries and distractors among the reference patches whose standard deviation is above 10 grey levels.

    Args:
        sequences: uint8 (16, N, 1, S, S) by name.
        queries: how many, at least 1.
        distractors: how many, at least 1.
        seed: another seed is another draw.

    Raises: ``ValueError`` for fewer than one, or if there are fewer such patches.
    """
    if queries < 1 or distractors < 1:
        raise ValueError(f"queries and distractors must be at least 1, got {queries} and {distractors}")
    patches = [
        (name, i)
        for name, patch in sequences.items()
        for i in (patch[0].float().flatten(1).std(1, correction=0) > 10).nonzero()[:, 0].tolist()
    ]
    if len(patches) < queries + distractors:
        raise ValueError(f"{queries} queries and {distractors} distractors asked for, got {len(patches)} good patches")
    order = torch.randperm(len(patches), generator=torch.Generator().manual_seed(seed)).tolist()
    chosen = [patches[k] for k in order[: queries + distractors]]
    return Retrieval(chosen[:queries], chosen[queries:])


def write_tasks(folder: str | Path, split: str, pairs: dict[str, Pairs], retrieval: Retrieval) -> None:
    """Write the five files of a split in the benchmark's form.

    Args:
        folder: made if it is not there; files of the same split in it are replaced.
        split: its name (``a``, ``full``).
        pairs: by the names ``positive``, ``intra``, ``inter``.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    for kind, some in pairs.items():
        columns = [x.tolist() for side in (some.first, some.second) for x in side]
        rows = [[some.sequences[a], b, c, some.sequences[d], e, f] for a, b, c, d, e, f in zip(*columns, strict=True)]
        _write(folder / f"verif_{KINDS[kind]}_split-{split}.csv", ["s1", "t1", "idx1", "s2", "t2", "idx2"], rows)
    for name, rows in (("queries", retrieval.queries), ("distractors", retrieval.distractors)):
        _write(folder / f"retr_{name}_split-{split}.csv", ["s", "idx"], rows)


def read_tasks(folder: str | Path, split: str) -> tuple[dict[str, Pairs], Retrieval]:
    """Read the five files of a split; the benchmark's own, or what `write_tasks` wrote.

    Args:
        folder: the benchmark's folder ``tasks``.
        split: which of its splits: ``a``, ``b``, ``c``, ``illum``, ``view``,
            ``full``.

    Raises: ``ValueError`` that names the file, for one that is missing or has other columns, and the line, for one in
        which a type or an index is none.
    """
    folder = Path(folder)
    pairs = {kind: _read_pairs(folder / f"verif_{name}_split-{split}.csv") for kind, name in KINDS.items()}
    return pairs, read_retrieval(folder, split)


def read_retrieval(folder: str | Path, split: str) -> Retrieval:
    """Of the files of a split the two of the retrieval: as `read_tasks`, where the lists of pairs are not at hand.

    Raises: as `read_tasks`.
    """
    lists = (
        _read(Path(folder) / f"retr_{what}_split-{split}.csv", ["s", "idx"]) for what in ("queries", "distractors")
    )
    return Retrieval(*([(name, index) for name, index in rows] for rows in lists))


def _read_pairs(path: Path) -> Pairs:
    rows = _read(path, ["s1", "t1", "idx1", "s2", "t2", "idx2"])
    columns = list(zip(*rows, strict=True))
    names = sorted(set(columns[0]) | set(columns[3]))
    place = {name: k for k, name in enumerate(names)}
    sides = [
        (torch.tensor([place[s] for s in columns[k]]), *(torch.tensor(columns[k + j]) for j in (1, 2))) for k in (0, 3)
    ]
    return Pairs(names, *sides)


def _read(path: Path, header: list[str]) -> list[list]:
    """The rows below the header: names (in the columns ``s...``) as they are, types and indices as numbers."""
    if not path.is_file():
        raise ValueError(f"the task file {path} is missing; the benchmark keeps it in its folder tasks/")
    with path.open(newline="") as file:
        rows = list(csv.reader(file))
    if not rows or rows[0] != header or len(rows) < 2:
        raise ValueError(f"{path} must have the columns {','.join(header)} and some rows, got {rows[:1]}")
    return [_parsed(row, header, f"{path}, line {number}") for number, row in enumerate(rows[1:], 2)]


def _parsed(row: list[str], header: list[str], where: str) -> list:
    try:
        values = [x if title[0] == "s" else int(x) for x, title in zip(row, header, strict=True)]
        types = [x for x, title in zip(values, header, strict=True) if title[0] == "t"]
        if min(x for x in values if isinstance(x, int)) >= 0 and max(types, default=0) <= TYPES:
            return values
    except ValueError:
        pass  # the same message for all that can be wrong
    raise ValueError(f"{where}: {','.join(header)} must be names, types 0 to {TYPES} and indices, got {row}")


def _write(path: Path, header: list[str], rows) -> None:
    with path.open("w", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows([header, *rows])
