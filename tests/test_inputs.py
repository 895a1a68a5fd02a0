"""A user's own input: what is read, and what is refused with which words."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pytest

from scenarios.workbench.inputs import load_mask, load_qkv, load_scores, load_text
from scenarios.workbench.params import ScenarioParams, fields_of, param


def saved(tmp_path, array, **options):
    """Path of a .npy file with the array."""
    path = tmp_path / "array.npy"
    np.save(path, array, **options)
    return path


def test_scores_come_back_as_saved_in_double_precision(tmp_path):
    scores = load_scores(saved(tmp_path, np.array([[1, 2, 3]], dtype=np.int16)))
    assert scores.dtype == np.float64
    np.testing.assert_array_equal(scores, [[1, 2, 3]])


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (np.array([[0.0, np.nan]]), r"finite, got nan at \(0, 1\)"),
        (np.array([[0.0], [-np.inf]]), r"finite, got -inf at \(1, 0\).*mask"),
        (np.zeros(3), r"2-D \(rows, keys\), got 1-D \(3,\)"),
        (np.zeros((2, 3, 4)), "got 3-D"),
        (np.zeros((4, 0)), r"not be empty, got shape \(4, 0\)"),
        (np.zeros((0, 4)), "not be empty"),
        (np.array([["a"]]), "real numbers, got dtype <U1"),
        (np.array([[1j]]), "real numbers, got dtype complex128"),
    ],
)
def test_scores_that_cannot_compete_are_refused(tmp_path, array, message):
    with pytest.raises(ValueError, match=message):
        load_scores(saved(tmp_path, array))


def test_a_pickled_array_is_refused_unread(tmp_path):
    path = saved(tmp_path, np.array([[{"any": "object"}]]), allow_pickle=True)
    with pytest.raises(ValueError, match="not pickled"):
        load_scores(path)


@pytest.mark.parametrize("content", [b"", b"not an array", b"PK\x03\x04 not a zip"])
def test_a_file_that_is_not_an_array_is_refused(tmp_path, content):
    path = tmp_path / "array.npy"
    path.write_bytes(content)
    with pytest.raises(ValueError, match="must be a NumPy array"):
        load_scores(path)


@pytest.mark.parametrize("load", [load_scores, load_qkv, load_text])
def test_an_absent_file_and_a_folder_are_refused(tmp_path, load):
    for path in (tmp_path / "gone", tmp_path):
        with pytest.raises(ValueError, match="file must exist"):
            load(path)


def test_an_archive_is_not_scores_and_an_array_is_not_qkv(tmp_path):
    np.savez(tmp_path / "several.npz", query=np.zeros((1, 1)))
    with pytest.raises(ValueError, match="scores must be one array"):
        load_scores(tmp_path / "several.npz")
    with pytest.raises(ValueError, match="must be an archive of query, key and value"):
        load_qkv(saved(tmp_path, np.zeros((1, 1))))


def test_a_mask_must_be_boolean_of_the_same_shape_and_leave_each_row_a_key(tmp_path):
    mask = np.array([[True, False], [True, True]])
    np.testing.assert_array_equal(load_mask(saved(tmp_path, mask), (2, 2)), mask)
    with pytest.raises(ValueError, match=r"shape of the scores, \(2, 3\), got \(2, 2\)"):
        load_mask(saved(tmp_path, mask), (2, 3))
    with pytest.raises(ValueError, match="array of bool"):
        load_mask(saved(tmp_path, mask.astype(int)), (2, 2))
    with pytest.raises(ValueError, match="got none in row 1"):
        load_mask(saved(tmp_path, np.array([[True, False], [False, False]])), (2, 2))


def test_qkv_come_back_by_name(tmp_path):
    arrays = {"query": np.ones((2, 3)), "key": np.full((4, 3), 2.0), "value": np.full((4, 5), 3.0)}
    np.savez(tmp_path / "qkv.npz", **arrays)
    qkv = load_qkv(tmp_path / "qkv.npz")
    for name, array in arrays.items():
        np.testing.assert_array_equal(getattr(qkv, name), array)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"key": np.zeros((4, 2))}, "query and key must have the same dim, got 3 and 2"),
        ({"value": np.zeros((5, 3))}, "key and value must have the same length, got 4 and 5"),
        ({"query": np.zeros(3)}, "query must be 2-D"),
        ({"value": np.full((4, 3), np.inf)}, "value must be finite"),
        (
            {"query": np.array([[None]], dtype=object)},
            "query must be a whole array of numbers, got something else",
        ),
    ],
)
def test_qkv_that_do_not_fit_are_refused(tmp_path, change, message):
    arrays = {"query": np.zeros((2, 3)), "key": np.zeros((4, 3)), "value": np.zeros((4, 3)), **change}
    np.savez(tmp_path / "qkv.npz", **arrays)
    with pytest.raises(ValueError, match=message):
        load_qkv(tmp_path / "qkv.npz")


def test_qkv_without_values_tells_what_is_there(tmp_path):
    np.savez(tmp_path / "qkv.npz", query=np.zeros((2, 3)), key=np.zeros((4, 3)), v=np.zeros((4, 3)))
    with pytest.raises(ValueError, match=r"got no value in .*; it holds: query, key, v"):
        load_qkv(tmp_path / "qkv.npz")


def test_text_must_be_utf8_and_visible(tmp_path):
    path = tmp_path / "text.txt"
    path.write_bytes("  Börgers \n".encode())
    assert load_text(path) == "Börgers"
    path.write_bytes(b" \n")
    with pytest.raises(ValueError, match="must not be empty"):
        load_text(path)
    path.write_bytes("Börgers".encode("latin-1"))
    with pytest.raises(ValueError, match="must be UTF-8"):
        load_text(path)


@dataclass(frozen=True, kw_only=True)
class Params(ScenarioParams):
    n_cells: int = param(40, "cells", at_least=1)
    share: float = param(0.5, "a share", at_least=0, at_most=1)
    tau_ms: tuple[float, ...] = param((5.0,), "times", above=0)
    text: str | None = param(None, "words")


def test_params_know_their_fields():
    fields = {field.name: field for field in fields_of(Params)}
    assert (fields["tau_ms"].kind, fields["tau_ms"].many, fields["tau_ms"].option) == (
        float,
        True,
        "--tau-ms",
    )
    assert (fields["text"].kind, fields["text"].optional, fields["text"].help) == (str, True, "words")


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"n_cells": 0}, ValueError, "n_cells must be >= 1, got 0; use for example 40"),
        ({"n_cells": 1.5}, TypeError, "n_cells must be an integer, got 1.5"),
        ({"n_cells": True}, TypeError, "n_cells must be an integer, got True"),
        ({"share": 1.01}, ValueError, "share must be <= 1, got 1.01"),
        ({"share": float("inf")}, ValueError, "share must be finite"),
        ({"tau_ms": (5.0, 0.0)}, ValueError, "tau_ms must be > 0, got 0.0"),
        ({"tau_ms": ()}, ValueError, "tau_ms must not be empty"),
        ({"tau_ms": 5.0}, TypeError, "tau_ms must be a tuple, got 5.0"),
        ({"text": " "}, ValueError, "text must not be empty"),
        ({"text": 3}, TypeError, "text must be text, got 3"),
    ],
)
def test_params_out_of_bounds_are_refused_when_made(change, error, message):
    with pytest.raises(error, match=message.replace("(", r"\(")):
        replace(Params(), **change)


def test_a_field_of_a_kind_that_no_option_can_spell_is_refused():
    @dataclass(frozen=True, kw_only=True)
    class Odd(ScenarioParams):
        table: bytes = param(b"", "not text")

    with pytest.raises(TypeError, match="table must be int, float, str, bool"):
        fields_of(Odd)
