"""The scenario bottleneck at small size: what a matrix loses, and sentences that follow the numbers."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from scenarios.bottleneck import Params, run
from scenarios.bottleneck.measures import Study, in_words
from scenarios.bottleneck.memory import Recalled
from scenarios.bottleneck.reversal import reversed_sequences
from scenarios.workbench.errors import UsageError
from scenarios.workbench.outcome import Metric, Outcome, RunContext
from scenarios.workbench.progress import silent
from scenarios.workbench.readers import reader_name
from scenarios.workbench.style import style
from scenarios.workbench.unfinished import Unfinished

SMALL = Params(
    spikes=(4,), seeds=2, iterations=60, batch=16, n_symbols=4, longest=6, windows=32, dims=(16,),
    pairs=(8, 64), widths=(8,), pair_iterations=4,
)  # fmt: skip


@pytest.fixture(scope="module")
def outcome() -> Outcome:
    return run(SMALL, RunContext(rng=np.random.default_rng(1), progress=silent()))


def test_a_matrix_forgets_what_four_spikes_recall(outcome: Outcome) -> None:
    """In 16 dimensions a sum of 8 pairs gives back .98 and of 64 pairs .28 (a prototype); within .04 (4 errors)."""
    few, many = outcome.metrics["recall_16_8"], outcome.metrics["recall_16_64"]
    assert few.control == pytest.approx(0.98, abs=0.03)
    assert many.control == pytest.approx(0.29, abs=0.04)
    assert many.value > 0.99


def test_both_forms_of_linear_attention_agree(outcome: Outcome) -> None:
    assert 0 < outcome.metrics["forms"].value < 1e-5


def test_memories_are_asked_by_every_reader(outcome: Outcome) -> None:
    readers = {"softmax", "linear", "uniform", "spiking_4", "sampled_4"}
    assert {name for name in outcome.metrics if name.startswith("answer_")} == {
        f"answer_8_{r}" for r in readers
    }


def test_figures_and_data(outcome: Outcome) -> None:
    assert outcome.dataset.recalled.dims == ("recalled_by", "dim", "pairs")
    with style():
        for picture in outcome.pictures.values():
            picture.draw()


def test_sentences_follow_the_numbers(outcome: Outcome) -> None:
    """The first sentence says bottleneck only where attention is clearly ahead."""
    metrics = dict(outcome.metrics)

    def first(attention: float) -> str:
        right = Metric(label="", value=attention, standard_error=0.02)
        changed = metrics | {"reverse_attention": right, "reverse_state": replace(right, value=0.5)}
        return in_words(outcome_study(), changed)["in_short"][0]

    assert "is a bottleneck" in first(0.9)
    assert "not clear" in first(0.52)
    assert "does worse" in first(0.1)


def outcome_study() -> Study:
    shares = {reader: np.full((2, 1, 4), 0.5) for reader in (("state", 0), ("attention", 0))}
    recalled = Recalled(dim=2, n_pairs=2, right={("state", 0): np.ones(3), ("softmax", 0): np.ones(3)})
    answered = {8: {("softmax", 0): np.ones(3), ("linear", 0): np.zeros(3)}}
    return Study(
        apart=1e-7, recalled=[recalled], reversed=shares, answered=answered, lengths=(9,), n_symbols=4
    )


def test_readers_have_names() -> None:
    assert reader_name(("spiking", 1)) == "1 spike"
    assert reader_name(("sampled", 16)) == "16 samples"


def test_an_interrupted_run_trains_nothing_twice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    params = replace(SMALL, iterations=3, heads=("softmax",))

    def measured() -> dict[tuple[str, int], np.ndarray]:
        with suppress(RuntimeError), Unfinished(tmp_path / "kept") as kept:
            ctx = RunContext(rng=np.random.default_rng(1), progress=silent(), unfinished=kept)
            right.append(reversed_sequences(params, ctx))
            raise RuntimeError
        return right[-1]

    right: list[dict[tuple[str, int], np.ndarray]] = []
    first = measured()
    monkeypatch.setattr("scenarios.bottleneck.reversal.train_seq2seq", None)  # would fail if it were called
    with pytest.warns(UserWarning, match="resuming"):
        second = measured()
    for reader, shares in first.items():
        np.testing.assert_array_equal(shares, second[reader])


def test_softmax_is_among_the_heads() -> None:
    with pytest.raises(UsageError, match="heads must have softmax among them"):
        Params(heads=("spiking",))
