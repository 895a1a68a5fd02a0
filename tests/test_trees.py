"""Dependency trees: what is read, distances, the scores of a probe, and trees that are drawn or embedded."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from pragmatic.tasks.grammar import sentences
from pragmatic.trees import (
    Tree,
    by_length,
    edges,
    exact_embedding,
    linear,
    rank_agreement,
    read_conllu,
    spanning,
)

WORD = "{}\t{}\t_\t{}\t_\t_\t{}\t_\t_\t_\n"


def conllu(*words: tuple[object, str, str, object]) -> str:
    return "# text\n" + "".join(WORD.format(*word) for word in words) + "\n"


@pytest.fixture
def tree() -> Tree:
    """Dogs -> chased <- cats, chased <- ".", cats <- small."""
    return Tree(
        words=("Dogs", "chased", "small", "cats", "."),
        heads=np.array([1, -1, 3, 1, 1]),
        counted=np.array([True, True, True, True, False]),
    )


def test_distances_count_the_edges_between_words(tree: Tree) -> None:
    assert tree.distances[0].tolist() == [0, 1, 3, 2, 2]
    np.testing.assert_array_equal(tree.distances, tree.distances.T)


def test_the_tree_itself_has_all_edges_and_the_order_of_words_some(tree: Tree) -> None:
    """Along the sentence Dogs-chased, chased-small, small-cats: of these the tree has the first and the last."""
    assert edges(tree, tree.distances) == (3, 3)
    assert edges(tree, linear(5)) == (2, 3)
    assert rank_agreement(tree.distances, tree.distances) == pytest.approx(1)
    assert rank_agreement(tree.distances, linear(5)) < 0.9


def test_rank_agreements_average_within_a_length_and_then_over_lengths() -> None:
    assert by_length([0.0, 1.0, 0.8, 9.0], [5, 5, 7, 3]) == pytest.approx((0.5 + 0.8) / 2)
    assert np.isnan(by_length([1.0], [4]))


def test_a_file_is_read_without_ranges_and_empty_nodes(tmp_path: Path) -> None:
    path = tmp_path / "a.conllu"
    path.write_text(
        conllu((1, "Go", "VERB", 0), ("2-3", "dont", "_", "_"), (2, "do", "AUX", 1), ("2.1", "x", "_", "_"),
               (3, "!", "PUNCT", 1)),
        encoding="utf-8",
    )  # fmt: skip
    (read,) = read_conllu(path)
    assert read.words == ("Go", "do", "!")
    assert read.heads.tolist() == [-1, 0, 0]
    assert read.counted.tolist() == [True, True, False]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (conllu((1, "a", "X", 0), (3, "b", "X", 1)), "numbered from 1, got '3' for 2 in line 3"),
        (conllu((1, "a", "X", "x")), "head must be the number of a word or 0, got 'x' in line 2"),
        (conllu((1, "a", "X", 2)), "a head must be a word of its sentence, got 2 of 1"),
        (conllu((1, "a", "X", 0), (2, "b", "X", 0)), "a tree with one root"),
        ("# nothing\n", "must hold a sentence, got none"),
    ],
)
def test_what_is_no_tree_is_refused_by_its_line(tmp_path: Path, text: str, says: str) -> None:
    path = tmp_path / "bad.conllu"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ValueError, match=says):
        read_conllu(path)


def test_orthonormal_directions_give_the_distances_of_the_tree(tree: Tree) -> None:
    vectors = exact_embedding(tree.heads, np.eye(5))
    squared = ((vectors[:, None] - vectors[None]) ** 2).sum(axis=-1)
    np.testing.assert_allclose(squared, tree.distances, atol=1e-12)
    assert spanning(squared) == {(0, 1), (1, 3), (2, 3), (1, 4)}


def test_drawn_sentences_are_trees_and_differ(tmp_path: Path) -> None:
    drawn = sentences(50, np.random.default_rng(0))
    for each in drawn:
        assert (each.heads == -1).sum() == 1
        assert np.isfinite(each.distances).all()
        assert len(each.words) == len(each.heads) == len(each.counted)
        assert not each.counted[-1]
    assert len({each.words for each in drawn}) == 50


@pytest.mark.slow
def test_the_linear_baseline_of_ewt_is_the_published_one(data_dir: Path) -> None:
    """UUAS .43087 over 20 085 edges, DSpr .56917: what the structural probe's own program gives on this file."""
    trees = read_conllu(data_dir / "ud" / "en_ewt-ud-dev.conllu")
    counted = np.array([edges(tree, linear(len(tree.words))) for tree in trees]).sum(axis=0)
    assert counted[1] == 20_085
    assert counted[0] / counted[1] == pytest.approx(0.43087, abs=1e-5)
    agreements = [rank_agreement(tree.distances, linear(len(tree.words))) for tree in trees]
    assert by_length(agreements, [len(tree.words) for tree in trees]) == pytest.approx(0.56917, abs=1e-5)
