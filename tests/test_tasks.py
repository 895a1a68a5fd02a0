"""Tasks: what a sequence holds, that it can be solved and not otherwise, and what is refused."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from pragmatic.tasks.batch import IGNORED, Task
from pragmatic.tasks.synthetic import TASKS, AssociativeRecall, Induction, Sorting
from pragmatic.tasks.text import Text, bigram_loss

VERSE = "the quick brown fox jumps over the lazy dog\n" * 40


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


# All of them.
@pytest.mark.parametrize("name", TASKS)
def test_batches_are_what_a_task_promises(name: str) -> None:
    task = TASKS[name]()
    for tokens, targets in (task.batch(5, rng()), task.held_out(5)):
        assert tokens.shape == targets.shape == (5, task.length)
        assert tokens.dtype == targets.dtype == torch.int64
        assert int(tokens.min()) >= 0
        assert int(tokens.max()) < task.n_vocab
        asked = targets != IGNORED
        assert bool(asked.any(-1).all())
        assert int(targets[asked].min()) >= 0
        assert int(targets[asked].max()) < task.n_vocab


@pytest.mark.parametrize("name", TASKS)
def test_drawn_from_the_generator_alone(name: str) -> None:
    task = TASKS[name]()
    assert torch.equal(task.batch(4, rng(1)).tokens, task.batch(4, rng(1)).tokens)
    assert not torch.equal(task.batch(4, rng(1)).tokens, task.batch(4, rng(2)).tokens)
    assert torch.equal(task.held_out(4).tokens, task.held_out(4).tokens)


@pytest.mark.parametrize("name", TASKS)
def test_length_is_that_asked_for(name: str) -> None:
    if name != "sort":
        assert TASKS[name](length=40).batch(2, rng()).tokens.shape == (2, 40)


def test_unknown_task_lists_the_known() -> None:
    with pytest.raises(ValueError, match="unknown task 'sums'; known: copy, induction, recall, sort, text"):
        TASKS["sums"]


# One by one.
def test_recall_asks_for_each_pair_once() -> None:
    task = AssociativeRecall(n_pairs=4, n_symbols=6, length=24)
    tokens, targets = (part.numpy() for part in task.batch(200, rng()))
    for sequence, wanted in zip(tokens, targets, strict=True):
        pairs = dict(zip(sequence[0:8:2], sequence[1:8:2], strict=True))
        assert len(pairs) == 4
        assert all(1 <= key <= 6 < value <= 12 for key, value in pairs.items())
        asked = np.flatnonzero(wanted != IGNORED)
        assert sorted(sequence[asked]) == sorted(pairs)
        assert all(pairs[sequence[place]] == wanted[place] for place in asked)
        assert (asked >= 8).all()
        assert (np.delete(sequence[8:], asked - 8) == 0).all()


def test_recall_asks_near_places_more_often() -> None:
    """Place x of 8 for one pair: probability proportional to x^(power - 1), within 4 standard errors."""
    task = AssociativeRecall(n_pairs=1, n_symbols=2, length=18, power=0.01)
    n = 20_000
    targets = task.batch(n, rng()).targets.numpy()
    share = (targets[:, 2::2] != IGNORED).mean(axis=0)
    expected = np.arange(1, 9) ** -0.99
    expected /= expected.sum()
    assert (np.abs(share - expected) < 4 * np.sqrt(expected * (1 - expected) / n)).all()


def test_induction_repeats_and_asks_from_the_second_round_on() -> None:
    task = Induction(n_symbols=9, shortest=3, longest=7, length=20)
    tokens, targets = (part.numpy() for part in task.batch(300, rng()))
    periods = (targets == IGNORED).sum(axis=1)
    assert set(periods) == {3, 4, 5, 6, 7}
    for sequence, wanted, period in zip(tokens, targets, periods, strict=True):
        assert len(set(sequence[:period])) == period
        assert (sequence[period:] == sequence[:-period]).all()
        assert (wanted[period:-1] == sequence[period + 1 :]).all()
        assert wanted[-1] == sequence[len(sequence) - period]


def test_copy_is_induction_of_one_period() -> None:
    targets = TASKS["copy"](length=20).batch(50, rng()).targets
    assert set((targets == IGNORED).sum(-1).tolist()) == {10}


def test_sorting_wants_the_items_in_order() -> None:
    tokens, targets = (part.numpy() for part in Sorting(n_symbols=5, n_items=6).batch(100, rng()))
    assert (tokens[:, 6] == 5).all()
    assert (targets[:, :6] == IGNORED).all()
    assert (targets[:, 6:] == np.sort(tokens[:, :6], axis=1)).all()
    assert (tokens[:, 7:] == targets[:, 6:-1]).all()


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: AssociativeRecall(n_pairs=8, length=31), "length must be >= 32, got 31"),
        (lambda: AssociativeRecall(n_pairs=8, n_symbols=7), "n_symbols must be >= 8, got 7"),
        (lambda: AssociativeRecall(power=2.0), r"power must lie in \[0, 1\], got 2.0"),
        (lambda: Induction(longest=3, shortest=4), "longest must be >= 4, got 3"),
        (lambda: Induction(length=32), "length must be >= 33, got 32"),
        (lambda: Sorting(n_items=1), "n_items must be >= 2, got 1"),
        (lambda: Sorting(held_out_seed=-1), "held_out_seed must be >= 0, got -1"),
    ],
)
def test_bad_tasks(make: Callable[[], Task], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make()


# Text.
def test_targets_are_the_next_characters() -> None:
    text = Text(characters=VERSE, length=10)
    for tokens, targets in (text.batch(20, rng()), text.held_out(20)):
        for sequence, wanted in zip(tokens.numpy(), targets.numpy(), strict=True):
            assert text.decode(sequence) + text.decode(wanted[-1:]) in VERSE
            assert (sequence[1:] == wanted[:-1]).all()


def test_training_never_sees_the_held_out_part() -> None:
    """Capitals stand in the last tenth alone; and every window of the training part can come up."""
    characters = VERSE[:900] + VERSE[:100].upper()
    text = Text(characters=characters, length=10)
    drawn = text.batch(20_000, rng())
    seen = text.decode(np.unique(np.concatenate([part.numpy().ravel() for part in drawn])))
    assert seen == seen.lower()
    assert len(torch.unique(drawn.tokens, dim=0)) == VERSE.index("\n") + 1
    held = text.held_out(1000)
    assert len(held.tokens) == 9
    assert "".join(text.decode(window) for window in held.tokens.numpy()) == characters[900:990]


def test_fewer_held_out_windows_are_spread() -> None:
    text = Text(characters=VERSE * 5, length=10)
    assert len(text.held_out(10**6).tokens) == 87
    few = text.held_out(8).tokens
    assert torch.equal(few, text.held_out(87).tokens[[0, 10, 21, 32, 43, 54, 65, 76]])


def test_encoding_there_and_back() -> None:
    text = Text(characters=VERSE + "äöü€", length=10)
    assert text.decode(text.encode("fox €ä")) == "fox €ä"
    same = Text(characters=VERSE, length=10, vocabulary=text.vocabulary)
    assert same.n_vocab == text.n_vocab


def test_repr_tells_texts_apart() -> None:
    one = Text(characters=VERSE, length=10)
    assert repr(one) == repr(Text(characters=VERSE, length=10))
    for other in (replace(one, length=11), replace(one, characters=VERSE[1:] + VERSE[0])):
        assert repr(one) != repr(other)


def test_embedded_text_is_english_about_python() -> None:
    text = Text.embedded()
    assert len(text.characters) > 300_000
    assert "statement" in text.characters


def test_bigram_of_a_text_whose_pairs_are_known() -> None:
    """`ab` repeated: after a always b; add-one counts of 450 pairs each leave log(452 / 451), log(451 / 450)."""
    text = Text(characters="ab" * 500, length=4)
    assert bigram_loss(text) == pytest.approx((50 * np.log(452 / 451) + 49 * np.log(451 / 450)) / 99)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Text(characters=""), "text must not be empty, got 0 characters"),
        (lambda: Text(characters="short"), "must hold more than 64 characters .* got 1 in the shorter"),
        (lambda: Text(characters=VERSE, vocabulary="aa"), "vocabulary must hold each character once"),
        (
            lambda: Text(characters=VERSE + "é!", vocabulary="".join(sorted(set(VERSE)))),
            r"keep to the 28 characters of the vocabulary, got 'é' \(U\+00E9\) at 1760 and 1 more",
        ),
    ],
)
def test_bad_texts(make: Callable[[], Text], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make()


def test_bad_files(tmp_path: Path) -> None:
    path = tmp_path / "text.txt"
    with pytest.raises(FileNotFoundError, match=r"text must be a file, got .*text\.txt"):
        Text.read(path)
    path.write_bytes(b"")
    with pytest.raises(ValueError, match=r"must not be empty, got 0 characters in .*text\.txt"):
        Text.read(path)
    path.write_bytes(b"caf\xe9 " * 300)
    with pytest.raises(ValueError, match=r"must be in UTF-8, got .*text\.txt with a byte that is not at 3"):
        Text.read(path)
    path.write_text(VERSE, encoding="utf-8")
    assert Text.read(path, length=10).characters == VERSE
