"""Dependency trees: read from CoNLL-U, as distances between words, and as scores of distances that predict them.

Hewitt and Manning (2019), A structural probe for finding syntax in word representations, NAACL: UUAS and DSpr, and
that punctuation takes no part. Nivre et al. (2020), Universal Dependencies v2, LREC: the format.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from scipy.sparse.csgraph import minimum_spanning_tree, shortest_path
from scipy.stats import rankdata

__all__ = [
    *("Tree", "by_length", "edges", "exact_embedding", "linear", "rank_agreement", "read_conllu", "spanning"),
]

N_COLUMNS = 10  # of a line
PUNCTUATION = "PUNCT"  # universal part of speech
LENGTHS = (5, 50)  # of the sentences that DSpr averages over


@dataclass(frozen=True, kw_only=True)
class Tree:
    """A sentence and the head of each of its words."""

    words: tuple[str, ...]
    heads: np.ndarray  # (n,) int, place of the head, -1 for the root
    counted: np.ndarray  # (n,) bool, False for punctuation

    @cached_property
    def distances(self) -> np.ndarray:
        """Edges of the tree between each two words, (n, n)."""
        n = len(self.words)
        graph = np.zeros((n, n))
        below = np.flatnonzero(self.heads >= 0)
        graph[below, self.heads[below]] = 1
        return shortest_path(graph, directed=False, unweighted=True)


def read_conllu(path: str | Path) -> list[Tree]:
    """Read the sentences of a CoNLL-U file; ranges of words and empty nodes are passed over.

    Raises
    ------
    ValueError
        For a file that is absent, not UTF-8 or without a sentence, and a bad line, with its number.
    """
    if not Path(path).is_file():
        raise ValueError(f"trees must be a CoNLL-U file, got {path}; check its path")
    try:
        lines = Path(path).read_text(encoding="utf-8-sig").split("\n")
    except UnicodeDecodeError as error:
        raise ValueError(f"trees must be UTF-8, got other bytes in {path}; convert the file") from error
    trees: list[Tree] = []
    sentence: list[tuple[str, int, bool]] = []
    for number, line in enumerate([*lines, ""], 1):
        if line.strip() and not line.startswith("#"):
            word = _word(line.rstrip("\r"), len(sentence) + 1, f"line {number} of {path}")
            sentence += [] if word is None else [word]
        elif not line.strip() and sentence:
            trees.append(_tree(sentence, f"the sentence that ends in line {number} of {path}"))
            sentence = []
    if not trees:
        raise ValueError(f"trees must hold a sentence, got none in {path}; give a CoNLL-U file")
    return trees


def linear(n: int) -> np.ndarray:
    """The distance along the sentence, (n, n): the baseline of a probe."""
    return np.abs(np.subtract.outer(np.arange(n), np.arange(n))).astype(float)


def spanning(distances: np.ndarray) -> set[tuple[int, int]]:
    """The edges of the minimum spanning tree of some distances (n, n); ties go to the earlier words."""
    n = len(distances)
    if n < 2:
        return set()
    order = (
        np.arange(n * n).reshape(n, n) * 1e-9
    )  # also makes 0 an edge, which a sparse matrix would leave out
    upper = np.triu(distances - distances.min() + 1e-6 + order, 1)
    first, second = minimum_spanning_tree(upper).nonzero()
    return {(int(min(pair)), int(max(pair))) for pair in zip(first, second, strict=True)}


def edges(tree: Tree, predicted: np.ndarray) -> tuple[int, int]:
    """Count edges of the tree that predicted distances (n, n) have too, and all of them; their ratio is the UUAS.

    Punctuation is left out first, in the tree too: what is left of it is spanned anew.
    """
    kept = np.ix_(tree.counted, tree.counted)
    wanted = spanning(tree.distances[kept])
    return len(wanted & spanning(predicted[kept])), len(wanted)


def rank_agreement(true: np.ndarray, predicted: np.ndarray) -> float:
    """Mean over words of the rank correlation between true and predicted distances to all words.

    Punctuation takes part, as in the paper's program.
    """
    return float(np.mean([_spearman(a, b) for a, b in zip(true, predicted, strict=True)]))


def by_length(values: Iterable[float], lengths: Sequence[int]) -> float:
    """DSpr: mean of each length's mean, over the lengths from 5 to 50 that occur; nan if none does."""
    of: dict[int, list[float]] = {}
    for value, length in zip(values, lengths, strict=True):
        if LENGTHS[0] <= length <= LENGTHS[1]:
            of.setdefault(length, []).append(value)
    return float(np.mean([np.mean(own) for own in of.values()])) if of else float("nan")


def exact_embedding(heads: np.ndarray, directions: np.ndarray) -> np.ndarray:
    """Vectors (n, d) of words such that a word lies one direction (n, d) from its head.

    With orthonormal directions the squared distances are those of the tree (Coenen et al. 2019, Visualizing and
    measuring the geometry of BERT, NeurIPS).
    """
    vectors = np.zeros_like(directions)
    for word in _from_the_root(heads):
        vectors[word] = directions[word] + (vectors[heads[word]] if heads[word] >= 0 else 0)
    return vectors


def _from_the_root(heads: np.ndarray) -> list[int]:
    """Words in an order in which each comes after its head."""
    depth = np.zeros(len(heads), dtype=int)
    for word in range(len(heads)):
        above = word
        while heads[above] >= 0:
            above = int(heads[above])
            depth[word] += 1
    return np.argsort(depth, kind="stable").tolist()


def _spearman(a: np.ndarray, b: np.ndarray) -> float:
    ranks = np.stack([rankdata(a), rankdata(b)])
    centred = ranks - ranks.mean(axis=1, keepdims=True)
    size = np.sqrt((centred**2).sum(axis=1)).prod()
    return float((centred[0] * centred[1]).sum() / size) if size else 0.0


def _word(line: str, expected: int, where: str) -> tuple[str, int, bool] | None:
    columns = line.split("\t")
    if len(columns) != N_COLUMNS:
        raise ValueError(
            f"a word must have {N_COLUMNS} columns with tabs between, got {len(columns)} in {where}; correct it"
        )
    name, form, head = columns[0], columns[1], columns[6]
    if "-" in name or "." in name:
        return None
    if name != str(expected):
        raise ValueError(f"words must be numbered from 1, got {name!r} for {expected} in {where}; correct it")
    if not head.isdecimal():
        raise ValueError(f"the head must be the number of a word or 0, got {head!r} in {where}; correct it")
    return form, int(head) - 1, columns[3] != PUNCTUATION


def _tree(sentence: list[tuple[str, int, bool]], where: str) -> Tree:
    heads, n = np.array([word[1] for word in sentence]), len(sentence)
    if heads.max() >= n:
        raise ValueError(f"a head must be a word of its sentence, got {heads.max() + 1} of {n} in {where}")
    if (heads < 0).sum() != 1 or not _all_reach_the_root(heads):
        raise ValueError(f"heads must form a tree with one root, got another graph in {where}; correct it")
    return Tree(
        words=tuple(word[0] for word in sentence),
        heads=heads,
        counted=np.array([word[2] for word in sentence]),
    )


def _all_reach_the_root(heads: np.ndarray) -> bool:
    above = np.arange(len(heads))
    for _ in range(len(heads)):
        above = np.where(above >= 0, heads[above], -1)
    return bool((above < 0).all())
