"""Descriptors by their counts, the three tasks against straightforward loops, the AP against its own definition."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as sk

from course_lib import metric_learning as ml
from course_lib.metric_learning import patches as hp
from course_lib.metric_learning.patches.nearest import count_nearer, nearest
from course_lib.metric_learning.patches.tasks import LEVELS

TYPES = ("ref", *(f"{level}{k}" for level in "eht" for k in range(1, 6)))


def count(model):
    return sum(p.numel() for p in model.parameters() if p.requires_grad)


def test_l2net_has_the_coursework_s_parameter_count():
    assert count(hp.L2Net()) == 1_336_032


def test_the_residual_descriptor_is_within_one_percent():
    assert abs(count(hp.ResidualDescriptor()) - 1_193_840) < 11_938


@pytest.mark.parametrize("build", [hp.L2Net, hp.ResidualDescriptor])
def test_descriptors(build):
    torch.manual_seed(0)
    x = torch.rand(4, 1, 32, 32)
    net = build()
    e = net(x)
    assert e.shape == (4, 128)
    torch.testing.assert_close(e.norm(dim=1), torch.ones(4))
    ml.triplet_loss(e[:2], e[1:3], e[2:], squared=True).backward()
    assert all(p.grad.isfinite().all() for p in net.parameters())
    net.eval()
    torch.testing.assert_close(net(0.4 * x + 0.3), net(x), rtol=0, atol=0.02)  # another light
    with pytest.raises(ValueError, match="32 x 32, got"):
        net(torch.rand(1, 1, 65, 65))
    net.train()
    patches = torch.randint(0, 256, (16, 3, 1, 65, 65)).byte()
    described = hp.describe(net, {"a": patches}, batch=7)["a"]
    assert described.shape == (16, 3, 128) and net.training
    torch.testing.assert_close(described[5], net.eval()(hp.to_32(patches[5])), rtol=1e-4, atol=1e-5)
    net.train()
    with pytest.raises(ValueError, match="uint8"):
        hp.describe(net, {"a": patches.float()})
    assert net.training and all(layer.training for layer in net.modules()), "after an error as well"
    with pytest.raises(ValueError, match=r"'a' must be patches.*got \(3, 1, 65, 65\)"):
        hp.describe(net, {"a": patches[0]})


def test_descriptors_without_learning():
    pytest.importorskip("kornia")
    torch.manual_seed(0)
    x = torch.rand(3, 1, 32, 32)
    assert hp.pixel_descriptor(x).shape == (3, 1024) and hp.sift_descriptor(x).shape == (3, 128)
    torch.testing.assert_close(hp.sift_descriptor(0.5 * x), hp.sift_descriptor(x), rtol=0, atol=0.02)


def benchmark_ap(scores, labels, positives=None):
    """As the benchmark's authors describe it, entry by entry."""
    order = np.argsort(-np.asarray(scores), kind="stable")
    hits = np.asarray(labels)[order].astype(float)
    found, seen = np.cumsum(hits), np.arange(1, len(hits) + 1)
    recall = np.r_[0, found / (positives or hits.sum())]
    precision = np.r_[1, found / seen]
    return np.trapezoid(precision, recall)


def test_average_precision():
    draw = np.random.default_rng(0)
    for positives in (None, 40):
        scores, right = draw.normal(size=60), draw.random(60) < 0.4
        ours = hp.trapezoidal_ap(torch.from_numpy(scores), torch.from_numpy(right), positives).item()
        assert ours == pytest.approx(benchmark_ap(scores, right, positives), abs=1e-12)
    # where it departs from scikit-learn's: the example of the docstring
    scores, right = torch.tensor([2.0, 1.0]), torch.tensor([False, True])
    assert hp.trapezoidal_ap(scores, right).item() == 0.25
    assert sk.average_precision_score(right.numpy(), scores.numpy()) == 0.5
    with pytest.raises(ValueError, match="same shape"):
        hp.trapezoidal_ap(scores, right[:1])
    for wrong in (torch.tensor([1.0, torch.nan]), torch.zeros(0)):
        with pytest.raises(ValueError, match="K at least 1, without NaN"):
            hp.trapezoidal_ap(wrong, right[: len(wrong)])


def test_a_constant_descriptor_gains_nothing_by_the_order_of_a_list():
    right = torch.arange(100) < 5
    assert benchmark_ap(np.zeros(100), right.numpy()) == 1.0, "the positives stand in front"
    assert hp.trapezoidal_ap(torch.zeros(100), right).item() < 0.05


@pytest.fixture(scope="module")
def described():
    draw = torch.Generator().manual_seed(0)
    made = {}
    for name, n in (("v_a", 12), ("i_b", 9), ("v_c", 15)):
        point = torch.randn(n, 8, generator=draw)
        spread = torch.tensor([0.0] + [0.4] * 5 + [0.8] * 5 + [1.4] * 5).view(16, 1, 1)
        made[name] = point + spread * torch.randn(16, n, 8, generator=draw)
    return made


def test_verification_pair_by_pair(described):
    pairs = hp.draw_pairs({name: d.shape[1] for name, d in described.items()}, 400)
    ours = hp.verification(described, pairs)
    for level, letter in zip(LEVELS, "eht", strict=True):
        distances = {}
        for kind, some in pairs.items():
            distances[kind] = []
            for k in range(400):
                patches = []
                for sequence, view, index in (some.first, some.second):
                    strip = "ref" if view[k] == 0 else f"{letter}{view[k]}"
                    patches.append(described[some.sequences[sequence[k]]][TYPES.index(strip), index[k]])
                distances[kind].append((patches[0] - patches[1]).norm().item())
        for kind in ("intra", "inter"):
            scores = -np.r_[distances[kind], distances["positive"]]
            truth = np.r_[np.zeros(400), np.ones(400)]
            assert ours[level][f"{kind} balanced"] == pytest.approx(sk.roc_auc_score(truth, scores), abs=1e-6)
            expected = benchmark_ap(scores[:480], truth[:480])
            assert ours[level][f"{kind} imbalanced"] == pytest.approx(expected, abs=1e-6)
    assert ours["easy"]["inter balanced"] > ours["hard"]["inter balanced"] > ours["tough"]["inter balanced"]


def test_pairs_are_what_their_names_say():
    pairs = hp.draw_pairs({"a": 3, "b": 2, "c": 40}, 3000, seed=1)
    for kind, some in pairs.items():
        (s1, t1, i1), (s2, t2, i2) = some.first, some.second
        sizes = torch.tensor([3, 2, 40])
        assert (t1 != t2).all() and (i1 < sizes[s1]).all() and (i2 < sizes[s2]).all()
        assert {"positive": (s1 == s2) & (i1 == i2), "intra": (s1 == s2) & (i1 != i2), "inter": s1 != s2}[kind].all()


def test_matching_image_by_image(described):
    ours = hp.matching(described)
    for level, letter in zip(LEVELS, "eht", strict=True):
        means = []
        for d in described.values():
            values = []
            for k in range(1, 6):
                apart = torch.cdist(d[0].double(), d[TYPES.index(f"{letter}{k}")].double())
                best = apart.min(1)
                right = best.indices == torch.arange(len(apart))
                values.append(benchmark_ap(-best.values.numpy(), right.numpy(), positives=len(apart)))
            means.append(np.mean(values))
        assert ours[level] == pytest.approx(np.mean(means), abs=1e-6)


def test_retrieval_query_by_query(described):
    draw = torch.Generator().manual_seed(1)
    patches = [(name, i) for name, d in described.items() for i in range(d.shape[1])]
    chosen = [patches[k] for k in torch.randperm(36, generator=draw).tolist()]
    task = hp.Retrieval(chosen[:10], chosen[10:])
    # 26 distractors, of which the query's own sequence loses some: of the pool of 31 only those that remain
    ours = hp.retrieval(described, task, pools=(8, 14, 31, 32), chunk=4)
    for level, letter in zip(LEVELS, "eht", strict=True):
        assert set(ours[level]) == {8, 14, 31}, "nothing fills a pool of 32"
        for k in ours[level]:
            values = []
            for name, i in task.queries:
                query = described[name][0, i]
                pool = [described[name][TYPES.index(f"{letter}{j}"), i] for j in range(1, 6)]
                pool += [described[s][0, n] for s, n in task.distractors if s != name]
                scores = [-(query - p).norm().item() for p in pool[:k]]
                assert len(scores) == k or (k == 31 and len(scores) < 31)
                values.append(benchmark_ap(scores, np.arange(len(scores)) < 5))
            assert ours[level][k] == pytest.approx(np.mean(values), abs=1e-6)


def test_what_a_task_asks_for_must_be_there(described):
    task = hp.Retrieval([("v_a", 3)], [("v_c", 7)])
    for wrong, what in (
        (hp.Retrieval([("v_a", 12)], task.distractors), "patch 12 of 'v_a', which has 12"),
        (hp.Retrieval(task.queries, [("v_x", 0)]), "sequence 'v_x'"),
        (hp.Retrieval(task.queries, [("v_a", 0), ("v_a", 1)]), "distractors of another sequence"),
    ):
        with pytest.raises(ValueError, match=what):
            hp.retrieval(described, wrong, pools=(6,))
    with pytest.raises(ValueError, match="at most 6 entries, fewer than the smallest pool of 100"):
        hp.retrieval(described, task)
    pairs = hp.draw_pairs({"v_a": 12, "v_c": 16}, 50)  # v_c has 15
    with pytest.raises(ValueError, match="patch 15 of 'v_c', which has 15"):
        hp.verification(described, pairs)
    with pytest.raises(ValueError, match="sequence 'v_z'"):
        hp.verification(described, hp.draw_pairs({"v_a": 12, "v_z": 15}, 50))
    broken = {name: d.clone() for name, d in described.items()}
    broken["i_b"][4, 2] = torch.nan
    for call in (
        lambda: hp.matching(broken),
        lambda: hp.verification(broken, hp.draw_pairs({"v_a": 12, "v_c": 15}, 50)),
        lambda: hp.retrieval(broken, task, pools=(6,)),
    ):
        with pytest.raises(ValueError, match="'i_b' contain NaN"):
            call()
    with pytest.raises(ValueError, match="one D for all.*for 'b'"):
        hp.matching({"a": torch.zeros(16, 3, 8), "b": torch.zeros(16, 3, 4)})


def test_near_candidates_are_told_apart():
    """In float32, distances by matrix products round these two to the same."""
    far = torch.zeros(16, 30, 2)
    far[..., 0] = 1000 + torch.arange(30.0) * 1e-3
    assert hp.matching({"a": far})["easy"] == 1


def test_task_files_are_written_and_read(tmp_path, described):
    pairs = hp.draw_pairs({name: d.shape[1] for name, d in described.items()}, 50)
    task = hp.Retrieval([("v_a", 3), ("i_b", 0)], [("v_c", 7)])
    hp.write_tasks(tmp_path, "x", pairs, task)
    assert (tmp_path / "verif_neg_intra_split-x.csv").read_text().startswith("s1,t1,idx1,s2,t2,idx2\n")
    again, retrieval = hp.read_tasks(tmp_path, "x")
    assert retrieval == task == hp.read_retrieval(tmp_path, "x")
    assert hp.verification(described, again) == hp.verification(described, pairs)
    (tmp_path / "retr_queries_split-x.csv").write_text("sequence;index\n")
    with pytest.raises(ValueError, match="must have the columns s,idx"):
        hp.read_tasks(tmp_path, "x")
    with pytest.raises(ValueError, match="verif_pos_split-y.csv is missing"):
        hp.read_tasks(tmp_path, "y")
    with pytest.raises(ValueError, match="retr_queries_split-y.csv is missing"):
        hp.read_retrieval(tmp_path, "y")
    for row in ("v_a,-1", "v_a,two", "v_a"):
        (tmp_path / "retr_queries_split-x.csv").write_text(f"s,idx\nv_a,3\n{row}\n")
        with pytest.raises(ValueError, match="retr_queries_split-x.csv, line 3: s,idx must be"):
            hp.read_tasks(tmp_path, "x")
    (tmp_path / "verif_pos_split-x.csv").write_text("s1,t1,idx1,s2,t2,idx2\nv_a,0,1,v_a,6,1\n")
    with pytest.raises(ValueError, match="verif_pos_split-x.csv, line 2: .*types 0 to 5"):
        hp.read_tasks(tmp_path, "x")


def test_queries_and_distractors_are_disjoint_and_not_flat():
    strips = torch.randint(0, 256, (16, 30, 1, 8, 8)).byte()
    strips[0, :10] = 128
    task = hp.draw_retrieval({"a": strips}, 5, 12)
    chosen = task.queries + task.distractors
    assert len(set(chosen)) == 17 and min(i for _, i in chosen) >= 10
    with pytest.raises(ValueError, match="got 20 good patches"):
        hp.draw_retrieval({"a": strips}, 10, 12)
    with pytest.raises(ValueError, match="at least 1, got 0 and 12"):
        hp.draw_retrieval({"a": strips}, 0, 12)
    with pytest.raises(ValueError, match="two sequences of two patches"):
        hp.draw_pairs({"a": 30}, 12)


def test_pairs_are_two_views_of_one_point():
    views = torch.arange(6).view(6, 1, 1, 1, 1) * 16 + torch.arange(16).view(1, 16, 1, 1, 1)
    pairs = hp.PatchPairs(views.byte().expand(6, 16, 1, 4, 4), 5)
    for seed in range(20):
        a, p = (x[:, 0, 0, 0].mul(255).round().int() for x in pairs(torch.Generator().manual_seed(seed)))
        assert (a // 16 == p // 16).all() and (a != p).all() and len((a // 16).unique()) == 5
    with pytest.raises(ValueError, match="N at least batch"):
        hp.PatchPairs(views.byte(), 7)
    with pytest.raises(ValueError, match="V at least 2"):
        hp.PatchPairs(views.byte()[:, :1], 5)
    with pytest.raises(ValueError, match="uint8 .*got .*float32"):
        hp.to_32(torch.rand(2, 1, 65, 65))
    with pytest.raises(ValueError, match=r"\(16, N, D\).*\(11, 3, 8\) for 'a'"):
        hp.matching({"a": torch.zeros(11, 3, 8)})
    with pytest.raises(ValueError, match="got none"):
        hp.matching({})
    torch.manual_seed(0)
    flat, corners = torch.full((1, 120, 120), 0.5), torch.rand(1, 120, 120).round()
    assert hp.patch_views([flat, corners], points=4).shape == (8, 16, 1, 32, 32)
    with pytest.raises(ValueError, match="got none"):
        hp.patch_views([flat])


@pytest.fixture(scope="module")
def bits():
    """Descriptors of 12 bits, among which equal distances are the rule, as among those of BRIEF and ORB."""
    draw = torch.Generator().manual_seed(3)
    made = {}
    for name, n in (("v_a", 12), ("i_b", 9), ("v_c", 15)):
        flips = torch.rand(16, n, 12, generator=draw) < torch.tensor([0.0] + [0.1] * 5 + [0.2] * 5 + [0.3] * 5).view(
            16, 1, 1
        )
        made[name] = (flips ^ (torch.rand(n, 12, generator=draw) < 0.5)).float()
    return made


def careful_ap(scores, labels, positives=None):
    """Whatever is wrong stands in front."""
    order = np.argsort(labels, kind="stable")
    return benchmark_ap(np.asarray(scores)[order], np.asarray(labels)[order], positives)


RULES = {"benchmark": benchmark_ap, "careful": careful_ap}


@pytest.mark.parametrize("ties", RULES)
def test_the_three_tasks_with_ties(bits, ties):
    pairs = hp.draw_pairs({name: d.shape[1] for name, d in bits.items()}, 300)
    verified, matched = hp.verification(bits, pairs, ties=ties), hp.matching(bits, ties=ties)
    names = [(name, i) for name, d in bits.items() for i in range(d.shape[1])]
    task = hp.Retrieval(names[::4], [x for x in names if x not in names[::4]])
    found = hp.retrieval(bits, task, pools=(3, 5, 8, 20), chunk=2, ties=ties)
    for level, offset in LEVELS.items():
        distances = {}
        for kind, some in pairs.items():
            sides = []
            for sequence, view, index in (some.first, some.second):
                at = [
                    (some.sequences[s], v + offset * (v > 0), i) for s, v, i in zip(sequence, view, index, strict=True)
                ]
                sides.append(torch.stack([bits[name][v, i] for name, v, i in at]))
            distances[kind] = (sides[0] - sides[1]).norm(dim=1).numpy()
        for kind in ("intra", "inter"):
            scores, truth = -np.r_[distances[kind], distances["positive"]], np.repeat([0, 1], 300)
            wins = distances[kind][:, None] - distances["positive"]
            area = (wins > 0).mean() + (0.5 * (wins == 0).mean() if ties == "careful" else 0)
            assert verified[level][f"{kind} balanced"] == pytest.approx(area, abs=1e-12)
            expected = RULES[ties](scores[:360], truth[:360])
            assert verified[level][f"{kind} imbalanced"] == pytest.approx(expected, abs=1e-12)
        means = []
        for d in bits.values():
            values = []
            for k in range(1, 6):
                apart = np.abs(d[0, :, None].numpy() - d[k + offset].numpy()).sum(2)
                best = apart.argmin(1)
                right = (best == np.arange(len(apart))).astype(int)
                values.append(RULES[ties](-apart.min(1), right, positives=len(apart)))
            means.append(np.mean(values))
        assert matched[level] == pytest.approx(np.mean(means), abs=1e-12)
        for k in (3, 5, 8, 20):
            values = []
            for name, i in task.queries:
                pool = [bits[name][j + offset, i] for j in range(1, 6)]
                pool += [bits[s][0, n] for s, n in task.distractors if s != name]
                scores = [-(bits[name][0, i] - p).abs().sum().item() for p in pool[:k]]
                values.append(RULES[ties](np.array(scores), (np.arange(len(scores)) < 5).astype(int)))
            assert found[level][k] == pytest.approx(np.mean(values), abs=1e-12)


def test_the_benchmark_s_rule_is_the_default_of_the_tasks_and_flatters_bits(bits):
    task = hp.Retrieval([("v_a", i) for i in range(12)], [("v_c", i) for i in range(15)])
    flattered, careful = (hp.retrieval(bits, task, pools=(20,), **kw)["tough"][20] for kw in ({}, {"ties": "careful"}))
    assert flattered > careful + 0.02
    assert hp.trapezoidal_ap(torch.zeros(100), torch.arange(100) < 5, ties="benchmark").item() == 1.0
    pairs = hp.draw_pairs({"v_a": 12, "v_c": 15}, 50)
    for call in (
        lambda: hp.trapezoidal_ap(torch.zeros(2), torch.ones(2).bool(), ties="random"),
        lambda: hp.verification(bits, pairs, ties="random"),
        lambda: hp.matching(bits, ties="random"),
        lambda: hp.retrieval(bits, task, pools=(20,), ties="random"),
    ):
        with pytest.raises(ValueError, match="careful, benchmark, got 'random'"):
            call()


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 40), st.integers(1, 9), st.floats(-5, 5), st.booleans())
def test_nearest_and_nearer_are_exact(seed, count, dims, magnitude, rounded):
    """Of any scale, far from the origin, with many ties; against numpy's float64."""
    draw = np.random.default_rng(seed)
    a, b = (draw.normal(size=(n, dims)) * 10**magnitude for n in (7, count))
    a, b = (np.round(x / 10**magnitude) * 10**magnitude if rounded else x + 1e3 * 10**magnitude for x in (a, b))
    a, b = torch.from_numpy(a).float(), torch.from_numpy(b).float()
    apart = ((a.double()[:, None] - b.double()) ** 2).sum(2)
    distance, index = nearest(a, b)
    assert (apart.numpy().argmin(1) == index.numpy()).all()
    np.testing.assert_allclose(distance, apart.min(1).values.sqrt(), rtol=1e-12)
    marks = apart[:, :3].clone()
    for equal in (True, False):
        ends = sorted({0, count // 2, count})
        found = count_nearer(a, marks, b, ends, equal)
        for k, end in enumerate(ends):
            nearer = apart[:, None, :end] <= marks[..., None] if equal else apart[:, None, :end] < marks[..., None]
            assert torch.equal(found[..., k], nearer.sum(2))


def test_a_user_s_fast_products_change_nothing():
    a, b = torch.randn(50, 64), torch.randn(80, 64)
    expected = nearest(a, b)
    torch.set_float32_matmul_precision("medium")
    try:
        with torch.autocast("cpu", torch.bfloat16):
            found = nearest(a, b)
        assert torch.get_float32_matmul_precision() == "medium"
    finally:
        torch.set_float32_matmul_precision("highest")
    assert torch.equal(found[0], expected[0]) and torch.equal(found[1], expected[1])
