"""How rows begin: draws that cells share, the numbers of cells, and what an expression cannot say."""

from __future__ import annotations

from typing import Any

import brian2 as b2
import numpy as np
import pytest
from brian2 import ms

from spiking import Ref
from spiking.engines.fused.random import row_key, uniform64
from spiking.engines.start import SITES, Start, read_start

CELLS = {"exc": 6, "inh": 3}  # a row of two keys
PER_KEY = {"exc": 3}
SEED, STREAMS = 7, np.array([4, 0, 9], dtype=np.uint64)
N_KEYS = np.array([2, 3, 1])
SIZES = {"exc": 3 * N_KEYS, "inh": np.full(3, 3)}


def start(**expressions: str) -> Start:
    groups = {
        name: b2.NeuronGroup(n, "dv/dt = -v / (10*ms) : 1\nw : 1", dt=0.1 * ms, name=name)
        for name, n in CELLS.items()
    }
    given = {Ref.of_identifier(name): text for name, text in expressions.items()}
    return read_start({ref: text for ref, text in given.items() if ref}, groups, {}, PER_KEY)


def values(rows: slice = slice(None), **expressions: str) -> dict[str, np.ndarray]:
    def absent(ref: Ref) -> Any:
        raise KeyError(ref)

    sizes = {group: n[rows] for group, n in SIZES.items()}
    drawn = start(**expressions).values({}, absent, sizes, seed=SEED, streams=STREAMS[rows])
    return {ref.identifier: held for ref, held in drawn.items()}


def test_the_cells_of_a_key_share_its_draw_and_those_of_a_row_the_rows() -> None:
    drawn = values(exc__v="rand_key()", exc__w="rand_row()")
    assert len(np.unique(drawn["exc__v"])) == N_KEYS.sum()
    assert (np.ptp(drawn["exc__v"].reshape(-1, 3), axis=1) == 0).all()
    by_row = np.split(drawn["exc__w"], np.cumsum(SIZES["exc"])[:-1])
    assert len({value for row in by_row for value in row}) == 3
    assert all(np.ptp(row) == 0 for row in by_row)


def test_shared_draws_are_numbers_of_the_rows_stream() -> None:
    """The formula that a compiled kernel repeats: site and index make the counter."""
    drawn = values(exc__v="rand() + 10 * rand_key()", exc__w="rand_row()", inh__v="rand_row()")

    def number(row: int, site: int, index: int) -> float:
        key = np.uint64(row_key(SEED, STREAMS[row]))
        return uniform64(key, 2**62 + (site << 20) + index)

    first = np.cumsum(SIZES["exc"]) - SIZES["exc"]
    for row, n_keys in enumerate(N_KEYS):
        for cell in range(3 * n_keys):
            expected = number(row, 0, cell) + 10 * number(row, 1, cell // 3)
            assert drawn["exc__v"][first[row] + cell] == pytest.approx(expected, rel=1e-15)
        assert drawn["exc__w"][first[row]] == number(row, 2, 0)
        assert drawn["inh__v"][3 * row] == number(row, SITES, 0)


def test_shared_draws_do_not_depend_on_the_batch() -> None:
    expressions = {"exc__v": "rand_key() + rand()", "exc__w": "rand_row()"}
    whole, last = values(**expressions), values(slice(2, 3), **expressions)
    for name, held in last.items():
        np.testing.assert_array_equal(held, whole[name][-3:])


def test_cells_know_their_number_and_how_many_stand_for_a_key() -> None:
    drawn = values(exc__v="i", exc__w="i // n_cells + 10 * (i % n_cells) / n_cells")
    np.testing.assert_array_equal(drawn["exc__v"], np.concatenate([np.arange(3 * n) for n in N_KEYS]))
    cell = np.arange(6)
    np.testing.assert_allclose(drawn["exc__w"][:6], cell // 3 + 10 * (cell % 3) / 3)


def test_a_keys_draw_costs_each_of_its_cells_its_part() -> None:
    n_draws = start(exc__v="rand_key() + rand()", exc__w="rand_row()").n_draws
    assert n_draws == {Ref("exc", "v"): pytest.approx(4 / 3), Ref("exc", "w"): 0}


@pytest.mark.parametrize(
    ("expression", "says"),
    [
        ({"exc__v": "rand_key(3)"}, r"the start of exc\.v .*rand_key\(\) takes no argument"),
        (
            {"inh__v": "rand_key()"},
            r"the start of inh\.v .*rand_key\(\) needs cells that stand for keys, as in exc; in inh use "
            r"rand_row\(\) or rand\(\)",
        ),
        ({"inh__v": "1 / n_cells"}, r"the start of inh\.v must be an expression .*n_cells"),
        ({"exc__v": "t / ms"}, r"the start of exc\.v must be an expression .*t has no value at the start"),
        ({"exc__v": "rand_col()"}, r"the start of exc\.v must be an expression .*rand_col"),
    ],
)
def test_what_a_start_cannot_say_is_refused(expression: dict[str, str], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        start(**expression)
