"""What can be guessed of a task without selecting anything: the level that a trained model must clear."""

from __future__ import annotations

import numpy as np

from pragmatic.tasks.batch import IGNORED, Batch, Task

__all__ = ["LEARNT", "guessed", "skill"]

EXAMPLES = 4096  # sequences from which the guesses are learnt
LEARNT = 0.1  # of the way from guessing to perfect accuracy, from which a task counts as learnt


def guessed(task: Task, windows: Batch, rng: np.random.Generator) -> tuple[str, float]:
    """Return the best of three guesses that need no attention, and its accuracy on the windows.

    By position: its most frequent target. By token: the most frequent target of this token. Of those in view:
    any symbol of the sequence so far that the task ever asks for, all alike; of recall, one of the values.
    """
    seen, asked = (part.numpy() for part in task.batch(EXAMPLES, rng))
    tokens, targets = (part.numpy() for part in windows)
    places = np.broadcast_to(np.arange(tokens.shape[1]), tokens.shape)
    accuracies = {
        "by position": _most_frequent(_like(seen, places), asked, task.n_vocab)[places] == targets,
        "by the current token": _most_frequent(seen, asked, task.n_vocab)[tokens] == targets,
        "among the symbols in view": _in_view(tokens, targets, np.unique(asked[asked != IGNORED])),
    }
    means = {name: _mean_over_targets(hits, targets) for name, hits in accuracies.items()}
    best = max(means, key=lambda name: means[name])
    return best, means[best]


def skill(accuracy: float, guess: float) -> float:
    """Return how far of the way from guessing to perfect accuracy a model has come."""
    return (accuracy - guess) / (1 - guess)


def _like(seen: np.ndarray, places: np.ndarray) -> np.ndarray:
    return np.broadcast_to(places[0], seen.shape)


def _most_frequent(given: np.ndarray, asked: np.ndarray, n_vocab: int) -> np.ndarray:
    """The most frequent target of each given value, (n_values,)."""
    kept = asked != IGNORED
    counts = np.zeros((max(n_vocab, int(given.max()) + 1), n_vocab))
    np.add.at(counts, (given[kept], asked[kept]), 1)
    return counts.argmax(axis=1)


def _in_view(tokens: np.ndarray, targets: np.ndarray, symbols: np.ndarray) -> np.ndarray:
    """Probability that one of the symbols in view, drawn at random, is the target; (B, T)."""
    present = (tokens[:, :, None] == symbols).cumsum(axis=1) > 0  # (B, T, n_symbols)
    hit = (present & (targets[:, :, None] == symbols)).any(axis=2)
    return hit / np.maximum(present.sum(axis=2), 1)


def _mean_over_targets(hits: np.ndarray, targets: np.ndarray) -> float:
    asked = targets != IGNORED
    return float(((hits * asked).sum(axis=1) / asked.sum(axis=1)).mean())
