"""A gallery of 100,000 templates: 1,000 queries, against scikit-learn's nearest neighbours, side by side.

    .venv/bin/python -m pytest benchmarks/test_gallery_speed.py --benchmark-disable-gc -s

128 dimensions, 25,000 people with 4 templates each, the rule "nearest", which both can answer; the rule "mean" needs
all the distances of a person and is timed alone. Rounds alternate, so that what else the machine does falls on both.
"""

import resource
import time
from statistics import median

import pytest
import torch
from limits import Limit
from limits import seconds as cpu_seconds

from course_lib.metric_learning import TemplateGallery

TEMPLATES, EACH, QUERIES, DIMS = 100_000, 4, 1_000, 128


@pytest.fixture(scope="module")
def crowd():
    draw = torch.Generator().manual_seed(0)
    templates = torch.nn.functional.normalize(torch.randn(TEMPLATES, DIMS, generator=draw))
    who = torch.randint(TEMPLATES, (QUERIES,), generator=draw)
    return templates, templates[who] + 0.01 * torch.randn(QUERIES, DIMS, generator=draw), who // EACH


def enrolled(templates, rule):
    gallery = TemplateGallery(rule=rule)
    people = TEMPLATES // EACH
    gallery.enrol_all([str(k) for k in range(people)], templates, torch.arange(people).repeat_interleave(EACH))
    return gallery


@pytest.mark.parametrize("rule", ["nearest", "mean"])
def test_speed(benchmark, crowd, rule):
    from sklearn.neighbors import NearestNeighbors

    templates, queries, truth = crowd
    gallery = enrolled(templates, rule)
    neighbours = NearestNeighbors(n_neighbors=1, algorithm="brute").fit(templates.numpy())
    limit, spent = Limit(), []
    peer, before = [], resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

    def before_each_round():
        began = time.perf_counter()
        found = neighbours.kneighbors(queries.numpy(), return_distance=False)
        peer.append(time.perf_counter() - began)
        assert (torch.from_numpy(found[:, 0]) // EACH == truth).all()
        limit.measure()
        spent.append(cpu_seconds(lambda: gallery.identify(queries)))

    answers = benchmark.pedantic(lambda: gallery.identify(queries), setup=before_each_round, rounds=5, warmup_rounds=1)
    assert [int(name) for name in answers.names] == truth.tolist()
    seconds, peer_seconds = benchmark.stats["median"], median(peer)
    megabytes = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1e3
    benchmark.extra_info.update(ratio=peer_seconds / seconds, peer_seconds=peer_seconds, megabytes=megabytes)
    print(
        f"\n{rule}: {seconds:.2f} s for {QUERIES} queries, scikit-learn's nearest template {peer_seconds:.2f} s, "
        f"{megabytes:.0f} MB more memory ({torch.get_num_threads()} threads)"
    )
    print(limit.of_products(2 * QUERIES * TEMPLATES * DIMS, median(spent)))
    assert seconds < 30 and megabytes < 2_000
