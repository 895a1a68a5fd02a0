"""vectors-through-spikes, small: the head comes into line, and weak features go before strong ones."""

from __future__ import annotations

import numpy as np
import pytest

from scenarios.execute import run_scenario
from scenarios.store import StoredRun
from scenarios.vectors_through_spikes import Params


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> StoredRun:
    params = Params(n_queries=12, n_cells=20, duration_ms=600, n_repeats=3)
    return run_scenario("vectors-through-spikes", params, seed=2, out=tmp_path_factory.mktemp("runs") / "run")


def test_the_output_comes_into_line_and_beats_its_controls(run: StoredRun) -> None:
    data = run.dataset()
    cosine = data.cosine.mean("query").values
    assert cosine[-1] > 0.97
    assert cosine[-1] > cosine[0]
    assert cosine[-1] > float(data.cosine_uniform.mean()) + 0.05
    assert cosine[-1] > float(data.cosine_strongest.mean()) + 0.05
    assert abs(cosine[-1] - float(data.cosine_floor[-1].mean())) < 0.01


def test_weakly_attended_objects_lose_their_weaker_features_first(run: StoredRun) -> None:
    """At every attention the strong half of the features is held more than the weak half, and both fall."""
    held = run.dataset().object_output.mean("repeat").values  # (attention, feature), both from strong to weak
    strong, weak = held[:, :4].mean(axis=1), held[:, 4:].mean(axis=1)
    assert (strong > weak).all()
    assert (np.diff(strong) < 0).all()
    seen = (held > 0.08).sum(axis=1)
    assert seen[0] >= 7
    assert 0 < seen[4] < seen[0]
