"""English sentences of a small grammar, each with its dependency tree: a treebank where none is at hand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pragmatic.checks import at_least, check_rng
from pragmatic.tasks.batch import IGNORED, Batch
from pragmatic.trees import Tree

__all__ = ["MaskedSentences", "sentences"]

NOUNS = [
    "cat",
    "dog",
    "child",
    "teacher",
    "river",
    "garden",
    "letter",
    "friend",
    "doctor",
    "window",
    "bird",
    "house",
    "song",
    "king",
    "forest",
    "ship",
]
VERBS = ["saw", "liked", "followed", "painted", "helped", "watched", "found", "heard", "carried", "answered"]
SPOKEN = ["said", "thought", "knew", "hoped", "believed"]
ADJECTIVES = ["great", "quiet", "young", "green", "tired", "clever", "small", "happy", "strange", "tall"]
PLACES = ["near", "behind", "under", "beside", "with", "without"]
ADVERBS = ["slowly", "often", "gladly", "never", "quickly", "rarely"]
ARTICLES = ["the", "a", "this", "every"]
DEEPEST = 3  # phrases within phrases
PADDING, MASKED = 0, 1  # tokens that are no words
WORDS = sorted({*NOUNS, *VERBS, *SPOKEN, *ADJECTIVES, *PLACES, *ADVERBS, *ARTICLES, "that", "."})
MASK_SHARE = 0.2  # of the words
HELD_OUT_SEED = 0x7EEE

Phrase = tuple[
    list[str], list[int], int
]  # words, place of each one's head (-1: the phrase's own), its own head


def sentences(n: int, rng: np.random.Generator) -> list[Tree]:
    """Draw sentences with relative clauses, phrases of place, objects and what somebody said.

    Parameters
    ----------
    n : int
    rng : numpy.random.Generator
    """
    at_least("sentences", "n", n, 1)
    check_rng(rng)
    trees = []
    for _ in range(n):
        words, heads, _ = _clause(rng, 0)
        counted = np.array([True] * len(words) + [False])
        root = heads.index(-1)
        words = [words[0].capitalize(), *words[1:], "."]
        trees.append(Tree(words=tuple(words), heads=np.array([*heads, root]), counted=counted))
    return trees


@dataclass(frozen=True, kw_only=True)
class MaskedSentences:
    """Sentences in which some words are hidden and asked for, as BERT learns (Devlin et al. 2019, NAACL).

    Each word is one token, and each sentence is padded to `length`; longer ones are drawn again.
    """

    length: int = 20  # words and full stop of the longest sentence

    def __post_init__(self) -> None:
        at_least("MaskedSentences", "length", self.length, 4)  # article, noun and verb fit, and a full stop

    @property
    def n_vocab(self) -> int:
        return len(WORDS) + 2

    @property
    def needs_causal(self) -> bool:
        return False

    def trees(self, n: int, rng: np.random.Generator) -> list[Tree]:
        """Draw n sentences that fit."""
        fitting: list[Tree] = []
        while len(fitting) < n:
            fitting += [tree for tree in sentences(n, rng) if len(tree.words) <= self.length]
        return fitting[:n]

    def tokens(self, trees: Sequence[Tree]) -> np.ndarray:
        """Integers (n, length) for the words, with nothing hidden."""
        tokens = np.full((len(trees), self.length), PADDING)
        for own, tree in zip(tokens, trees, strict=True):
            own[: len(tree.words)] = [WORDS.index(word.lower()) + 2 for word in tree.words]
        return tokens

    def batch(self, n: int, rng: np.random.Generator) -> Batch:
        tokens = self.tokens(self.trees(n, rng))
        hidden = (rng.random(tokens.shape) < MASK_SHARE) & (tokens != PADDING)
        hidden[:, 0] |= ~hidden.any(axis=1)
        return Batch.of(np.where(hidden, MASKED, tokens), np.where(hidden, tokens, IGNORED))

    def held_out(self, n: int) -> Batch:
        return self.batch(n, np.random.default_rng(HELD_OUT_SEED))


def _clause(rng: np.random.Generator, depth: int) -> Phrase:
    """Subject, verb and object, or what the subject said."""
    subject = _noun_phrase(rng, depth)
    before = [subject] + ([_word(_one(ADVERBS, rng))] if rng.random() < 0.25 else [])
    if depth < 2 and rng.random() < 0.25:
        words, heads, head = _clause(rng, depth + 1)
        inner = [_word("that")]
        return _joined(_one(SPOKEN, rng), before, [_joined_at((words, heads, head), inner)])
    return _joined(_one(VERBS, rng), before, [_noun_phrase(rng, depth)])


def _noun_phrase(rng: np.random.Generator, depth: int) -> Phrase:
    before = [_word(_one(ARTICLES, rng))]
    before += [_word(_one(ADJECTIVES, rng)) for _ in range(rng.binomial(2, 0.3))]
    after = []
    if depth < DEEPEST and rng.random() < 0.35:
        place = [_word(_one(PLACES, rng))]
        after.append(_joined_at(_noun_phrase(rng, depth + 1), place))
    if depth < DEEPEST and rng.random() < 0.25:
        after.append(_joined(_one(VERBS, rng), [_word("that"), _noun_phrase(rng, depth + 1)], []))
    return _joined(_one(NOUNS, rng), before, after)


def _word(word: str) -> Phrase:
    return [word], [-1], 0


def _joined(word: str, before: list[Phrase], after: list[Phrase]) -> Phrase:
    """A word with phrases before and after it that depend on it."""
    place = sum(len(phrase[0]) for phrase in before)
    words: list[str] = []
    heads: list[int] = []
    for phrase in [*before, _word(word), *after]:
        first = len(words)
        words += phrase[0]
        heads += [head + first if head >= 0 else place for head in phrase[1]]
    heads[place] = -1
    return words, heads, place


def _joined_at(phrase: Phrase, before: list[Phrase]) -> Phrase:
    """A phrase with words before it that depend on its head."""
    shift = sum(len(each[0]) for each in before)
    head = phrase[2] + shift
    words = [word for each in before for word in each[0]] + phrase[0]
    return words, [head] * shift + [own + shift if own >= 0 else -1 for own in phrase[1]], head


def _one(words: list[str], rng: np.random.Generator) -> str:
    return words[int(rng.integers(len(words)))]
