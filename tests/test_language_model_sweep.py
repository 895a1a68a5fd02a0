"""language-model-on-gamma in a sweep: points from processes and from Dask workers are one, and are kept."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("transformers", reason="needs the extra hf")

from hf_models import TEXT, built, saved

from scenarios.workbench.run_sweep import run_sweep
from scenarios.workbench.sweep import SweepPlan, plan_sweep

NAME = "language-model-on-gamma"


def planned(folder: Path, spikes: str) -> SweepPlan:
    fixed = {
        "model": folder / "model", "text_file": folder / "text.txt", "windows": 2, "length": 12, "layer_spikes": 0,
        "benchmarks": "perplexity",
    }  # fmt: skip
    return plan_sweep(NAME, [*(f"{name}={value}" for name, value in fixed.items()), f"spikes={spikes}"])


@pytest.mark.slow
def test_points_of_processes_are_kept_and_dask_adds_the_rest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    distributed = pytest.importorskip("distributed", reason="the extra 'cluster' is not installed")
    monkeypatch.chdir(tmp_path)
    saved(tmp_path / "model", built("gpt2"))
    (tmp_path / "text.txt").write_text(f"{TEXT} {TEXT}", encoding="utf-8")
    run_sweep(planned(tmp_path, "4"), out="out", jobs=1)
    kept = {path: path.read_bytes() for path in Path("out/points").glob("*.json")}
    with distributed.LocalCluster(n_workers=1, threads_per_worker=1, dashboard_address=None) as cluster:
        whole = run_sweep(planned(tmp_path, "4,8"), out="out", scheduler=cluster.scheduler_address)
    assert (whole.n_points, whole.n_computed, whole.n_failed) == (2, 1, 0)
    assert all(path.read_bytes() == before for path, before in kept.items())
    swept = whole.run.dataset()
    assert swept.kl.dims == ("spikes", "repeat")
    few, more = swept.kl.values[:, 0]
    assert 0 < more < few
