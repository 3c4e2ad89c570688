"""A gallery of templates: who is this, is it really them, and is it anybody we know? Enrolling trains nothing.

Chapter: book/metric_learning/siamese_networks.ipynb
"""

import json
import math
from pathlib import Path

import torch
from torch import Tensor

from .._checks import check_embeddings
from .._files import replacing
from .decision import Identification

RULES = ("mean", "nearest")
CHUNK = 1 << 24  # distances in memory at once: 64 MB
NEAR = 0.05  # a squared distance below this share of the square length has lost two digits


class TemplateGallery:
    """``u_hat = argmin_u D(q, u)``, accepted only if ``D(q, u_hat) <= gamma``: as `roc` counts, at its threshold too.

    ``D(q, u)`` is the ``mean`` of the distances from the query to all templates of person u, or with the rule
    ``nearest`` the smallest of them. One bad template spoils the first a little and the second not at all; one lucky
    template makes the second accept a stranger. Of two people at the same distance, the first to be enrolled is named.

    Args:
        rule: ``mean`` or ``nearest``.
        threshold: gamma; None accepts everybody, -inf nobody.
        device: where the templates live and distances are computed.

    Example:
        >>> gallery = TemplateGallery(threshold=1.0)
        >>> gallery.enrol("Ada", torch.tensor([[0.0, 0.0], [0.0, 1.0]]))
        >>> gallery.enrol("Bob", torch.tensor([[5.0, 5.0]]))
        >>> gallery.identify(torch.tensor([[0.0, 0.5], [9.0, 9.0]])).names
        ['Ada', None]
    """

    def __init__(self, rule: str = "mean", threshold: float | None = None, device: torch.device | str = "cpu"):
        if rule not in RULES:
            raise ValueError(f"rule must be one of {', '.join(RULES)}, got {rule!r}")
        if threshold is not None and threshold != -math.inf and not 0 <= threshold < math.inf:
            raise ValueError(f"threshold must be a distance, at least 0, or -inf for nobody, got {threshold}")
        self.rule, self.threshold, self.device = rule, threshold, torch.device(device)
        self._people: dict[str, int] = {}  # name -> number of templates, in the order of enrolment
        self._blocks: list[Tensor] = []  # templates, one tensor or several to be joined

    def __len__(self) -> int:
        return len(self._people)

    @property
    def names(self) -> list[str]:
        """The people, in the order of their enrolment."""
        return list(self._people)

    @property
    def templates(self) -> Tensor:
        """All templates, (N, D), person after person."""
        if len(self._blocks) > 1:
            self._blocks = [torch.cat(self._blocks)]
        return self._blocks[0] if self._blocks else torch.empty(0, 0, device=self.device)

    def enrol(self, name: str, templates: Tensor) -> None:
        """Add a person with one or more templates, (T, D).

        Raises: ``ValueError`` for a name that is taken or empty, no template, another D, NaN or infinite values.
        """
        check_embeddings(templates, "templates")
        self.enrol_all([name], templates, torch.zeros(len(templates), dtype=torch.long))

    def enrol_all(self, names: list[str], templates: Tensor, owners: Tensor) -> None:
        """Add many people at once: ``owners[i]`` is the place in ``names`` of template i.

        Shape: templates (N, D), owners (N,) integers from 0 to ``len(names) - 1``. Raises: as `enrol`.
        """
        self._check(templates, "templates")
        taken = [name for name in names if name in self._people]
        if taken:
            raise ValueError(f"names must be new: {taken[0]!r} is enrolled already; remove it first")
        if len(set(names)) < len(names) or not all(isinstance(n, str) and n for n in names):
            raise ValueError(f"names must be different and not empty, got {names[:3]}")
        if owners.shape != templates.shape[:1] or owners.is_floating_point():
            got = f"{tuple(owners.shape)} {owners.dtype}"
            raise ValueError(f"owners must be ({len(templates)},) integers, got {got}")
        present = owners.unique().tolist()
        if present != list(range(len(names))):
            raise ValueError(
                f"every one of the {len(names)} names needs at least one template, and no other does; got owners "
                f"{present[:3]} ... {present[-3:]}"
            )
        counts = torch.bincount(owners.cpu(), minlength=len(names))
        order = owners.argsort(stable=True)
        self._blocks.append(templates.detach()[order.to(templates.device)].to(self.device, self._precision(templates)))
        self._people |= dict(zip(names, counts.tolist(), strict=True))

    def remove(self, name: str) -> None:
        """Forget a person: their templates are deleted. Raises: ``KeyError`` if there is no such name."""
        before = sum(self._people[other] for other in self.names[: self.names.index(self._known(name))])
        keep = torch.ones(len(self.templates), dtype=torch.bool, device=self.device)
        keep[before : before + self._people.pop(name)] = False
        self._blocks = [self.templates[keep]] if self._people else []

    def distances(self, queries: Tensor) -> Tensor:
        """``D(q, u)`` for every query and person, (Q, D) -> (Q, people).

        Raises: ``ValueError`` for an empty gallery, another D, NaN or infinite values.
        """
        if not self._people:
            raise ValueError("the gallery is empty: enrol somebody first")
        self._check(queries, "queries")
        t = self.templates
        q = queries.detach().to(self.device, torch.promote_types(self._precision(queries), t.dtype))
        middle = t.mean(0)  # distances from products lose digits far from the origin
        q, t = q - middle, t - middle
        lengths = torch.tensor(list(self._people.values()), device=self.device)
        owners = torch.repeat_interleave(torch.arange(len(self), device=self.device), lengths)
        parts = [self._per_person(some, t, owners, lengths) for some in q.split(max(1, CHUNK // len(t)))]
        return torch.cat(parts) if parts else q.new_empty(0, len(self))

    def _per_person(self, q: Tensor, t: Tensor, owners: Tensor, lengths: Tensor) -> Tensor:
        # templates are rows here, so that a person's distances lie together in memory
        lengths_t, lengths_q = t.square().sum(1, keepdim=True).float(), q.square().sum(1).float()
        d = torch.addmm(lengths_t, t.float(), q.T.float(), alpha=-2).add_(lengths_q)
        # nor do they keep the digits of neighbours in clusters that lie far apart: those are computed by differences
        rows, columns = (d < NEAR * lengths_q).nonzero().T
        for i, j in zip(*(x.split(max(1, CHUNK // t.shape[1])) for x in (rows, columns)), strict=True):
            d[i, j] = (t[i] - q[j]).square().sum(1).float()
        d = d.clamp_(min=0).sqrt_()
        if len(lengths) == len(t):
            return d.T
        if self.rule == "mean":
            sums = d.new_zeros(len(lengths), len(q)).index_add_(0, owners, d)
            return (sums / lengths[:, None]).T
        least = d.new_full((len(lengths), len(q)), torch.inf)
        return least.scatter_reduce_(0, owners[:, None].expand_as(d), d, "amin").T

    def identify(self, queries: Tensor) -> Identification:
        """Who each query shows; ``None`` where nobody is within the threshold. Raises as `distances`."""
        best = self.distances(queries).min(1)
        names = self.names
        nearest = [names[i] for i in best.indices.tolist()]
        accepted = (best.values <= (math.inf if self.threshold is None else self.threshold)).tolist()
        answers = [name if yes else None for name, yes in zip(nearest, accepted, strict=True)]
        return Identification(answers, nearest, best.values)

    def verify(self, queries: Tensor, name: str) -> Tensor:
        """Whether each query is ``name``, as they claim: (Q, D) -> (Q,) bool.

        Raises: ``KeyError`` for a name that is not enrolled; ``ValueError`` without a threshold, else as `distances`.
        """
        if self.threshold is None:
            raise ValueError("verify needs a threshold: TemplateGallery(threshold=...)")
        return self.distances(queries)[:, self.names.index(self._known(name))] <= self.threshold

    def save(self, path: str | Path) -> None:
        """Write everything to one safetensors file; what was there before stays until the new one is complete."""
        from safetensors.torch import save_file

        about = {"people": list(self._people.items()), "rule": self.rule, "threshold": self.threshold}
        with replacing(path) as part:
            save_file({"templates": self.templates.cpu().contiguous()}, part, {"gallery": json.dumps(about)})

    @classmethod
    def load(cls, path: str | Path, device: torch.device | str = "cpu") -> "TemplateGallery":
        """Read what `save` wrote. Raises: ``ValueError`` if the file holds something else."""
        from safetensors import SafetensorError, safe_open

        try:
            with safe_open(path, "pt") as file:
                about = json.loads(file.metadata()["gallery"])
                templates = file.get_tensor("templates")
            gallery = cls(about["rule"], about["threshold"], device)
            gallery._people = {name: count for name, count in about["people"]}
            if (count := sum(gallery._people.values())) != len(templates):
                raise ValueError(f"{len(templates)} templates instead of {count}")
        except (SafetensorError, KeyError, TypeError, ValueError) as error:
            raise ValueError(f"{path} is not a gallery that TemplateGallery.save wrote ({error})") from error
        gallery._blocks = [templates.to(gallery.device)] if gallery._people else []
        return gallery

    def _precision(self, embedding: Tensor) -> torch.dtype:
        """At least float32; Apple's GPUs have no more."""
        return torch.float32 if self.device.type == "mps" else torch.promote_types(embedding.dtype, torch.float32)

    def _known(self, name: str) -> str:
        if name not in self._people:
            raise KeyError(f"nobody called {name!r} is enrolled")
        return name

    def _check(self, embedding: Tensor, name: str) -> None:
        check_embeddings(embedding, name, self.templates.shape[1] if self._people else None)
        if not embedding.isfinite().all():
            raise ValueError(f"{name} contains NaN or infinite values")
