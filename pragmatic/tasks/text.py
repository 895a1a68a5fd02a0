"""Text as a task: predict the next character, in any file or in the documentation that ships with Python."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from pragmatic.checkpoint import is_file
from pragmatic.checks import at_least, shown
from pragmatic.tasks.batch import Batch

__all__ = ["Text", "bigram_loss"]

HELD_OUT = 0.1  # share at the end of the text, as nanoGPT splits it


@dataclass(frozen=True, kw_only=True, repr=False)
class Text:
    """Characters of a text, each the target of the one before; the last tenth is held out.

    Parameters
    ----------
    characters : str
    length : int
        Characters in a sequence.
    vocabulary : str, optional
        All characters in the order of their tokens; those of the text, sorted, when None.

    Raises
    ------
    ValueError
        An empty text, one too short for a sequence in each part, or characters outside the vocabulary.
    """

    characters: str
    length: int = 64
    vocabulary: str = ""

    needs_causal = True

    def __post_init__(self) -> None:
        at_least("Text", "length", self.length, 1)
        for name in ("characters", "vocabulary"):
            if not isinstance(getattr(self, name), str):
                raise TypeError(f"Text.{name} must be a text, got {shown(getattr(self, name))}; give a str")
        if not self.characters:
            raise ValueError("text must not be empty, got 0 characters; give a file with some")
        if not self.vocabulary:
            object.__setattr__(self, "vocabulary", "".join(sorted(set(self.characters))))
        if len(set(self.vocabulary)) != len(self.vocabulary):
            raise ValueError("Text.vocabulary must hold each character once, got one twice; drop it")
        shorter = min(len(self._training), len(self._held_out))
        if shorter <= self.length:
            raise ValueError(
                f"text must hold more than {self.length} characters (Text.length) in its training part and in "
                f"its held-out tenth, got {shorter} in the shorter; give a longer text or a smaller length"
            )

    @classmethod
    def read(cls, path: str | Path, *, length: int = 64, vocabulary: str = "") -> Text:
        """Read a UTF-8 file; FileNotFoundError or ValueError if it is not one, or as the class says."""
        if not is_file(path):
            raise FileNotFoundError(f"text must be a file, got {str(path)!r}, which is none; check the path")
        try:
            characters = Path(path).read_text(encoding="utf-8")
        except UnicodeDecodeError as error:
            raise ValueError(
                f"text must be in UTF-8, got {path} with a byte that is not at {error.start}; convert it"
            ) from None
        except OSError as error:
            raise ValueError(
                f"text must be readable, got {str(path)!r} ({error.strerror}); check the file"
            ) from error
        if not characters:
            raise ValueError(f"text must not be empty, got 0 characters in {path}; give a file with some")
        return cls(characters=characters, length=length, vocabulary=vocabulary)

    @classmethod
    def embedded(cls, *, length: int = 64) -> Text:
        """The help topics of Python itself, in English; they differ a little from version to version."""
        from pydoc_data.topics import topics

        return cls(characters="\n".join(topics[name] for name in sorted(topics)), length=length)

    def __repr__(self) -> str:
        digest = hashlib.sha256((self.vocabulary + "\0" + self.characters).encode()).hexdigest()[:16]
        return f"Text({len(self.characters)} characters, {self.n_vocab} different, {digest}, length={self.length})"

    @property
    def n_vocab(self) -> int:
        """Number of different characters."""
        return len(self.vocabulary)

    def encode(self, characters: str) -> np.ndarray:
        """Tokens (n,) int64 of n characters; ValueError for those outside the vocabulary."""
        known = _code_points(self.vocabulary)
        order = np.argsort(known)
        codes = _code_points(characters)
        place = np.searchsorted(known, codes, sorter=order).clip(max=len(known) - 1)
        tokens = order[place]
        strange = np.flatnonzero(known[tokens] != codes)
        if len(strange):
            first = characters[strange[0]]
            raise ValueError(
                f"text must keep to the {len(known)} characters of the vocabulary, got {first!r} "
                f"(U+{ord(first):04X}) at {strange[0]} and {len(strange) - 1} more outside; "
                "replace them or train on a text that has them"
            )
        return tokens

    def decode(self, tokens: np.ndarray) -> str:
        """The characters of tokens (n,)."""
        return "".join(self.vocabulary[token] for token in tokens)

    def batch(self, n: int, rng: np.random.Generator) -> Batch:
        """n windows at random places of the training part."""
        return self._windows(self._training, rng.integers(0, len(self._training) - self.length, size=n))

    def held_out(self, n: int) -> Batch:
        """At most n windows, side by side where they all fit, else spread evenly over the held-out part."""
        starts = np.arange(0, len(self._held_out) - self.length, self.length)
        if n < len(starts):
            starts = starts[np.arange(n) * len(starts) // n]
        return self._windows(self._held_out, starts)

    def _windows(self, tokens: np.ndarray, starts: np.ndarray) -> Batch:
        windows = tokens[starts[:, None] + np.arange(self.length + 1)]  # (n, length + 1)
        return Batch.of(windows[:, :-1], windows[:, 1:])

    @cached_property
    def _tokens(self) -> np.ndarray:
        return self.encode(self.characters)

    @property
    def _n_training(self) -> int:
        return int(len(self.characters) * (1.0 - HELD_OUT))

    @property
    def _training(self) -> np.ndarray:
        return self._tokens[: self._n_training]

    @property
    def _held_out(self) -> np.ndarray:
        return self._tokens[self._n_training :]


def bigram_loss(text: Text) -> float:
    """Nats per held-out character of an add-one bigram model of the training part: the loss to beat."""
    counts = np.ones((text.n_vocab, text.n_vocab))
    np.add.at(counts, (text._training[:-1], text._training[1:]), 1)
    cost = -np.log(counts / counts.sum(axis=1, keepdims=True))
    return float(cost[text._held_out[:-1], text._held_out[1:]].mean())


def _code_points(characters: str) -> np.ndarray:
    return np.frombuffer(characters.encode("utf-32-le"), dtype="<u4").astype(np.int64)
