"""Run it with: pytest test_my_study.py."""

from __future__ import annotations

from pathlib import Path

import my_study

import fortyhertz as fh


def test_spikes_choose_as_a_softmax_does_and_equal_weights_do_not(tmp_path: Path) -> None:
    """At 32 rows the distance has a standard error of 8 %; equal weights are eight times as far away."""
    run = fh.run_scenario(my_study.__file__, seed=0, out=tmp_path / "run")
    distance = run.metrics["distance"]
    assert distance.floor is not None
    assert distance.control is not None
    assert 0.7 * distance.floor < distance.value < 1.3 * distance.floor
    assert distance.value < distance.control / 2
    assert 30 < run.metrics["f_gamma"].value < 80  # Hz
    assert run.report.is_file()


def test_the_same_seed_gives_the_same_spikes(tmp_path: Path) -> None:
    params = my_study.Params(n_rows=4)
    first, again = (
        fh.run_scenario(my_study.__file__, params, seed=1, out=tmp_path / name) for name in ("a", "b")
    )
    assert first.dataset().identical(again.dataset())
