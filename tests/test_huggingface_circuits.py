"""`gamma_circuit`: calibrated parameter sets by name, any other circuit by its import path."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from circuits_of_a_user import OneInhibitor, Own
from hf_models import batch, built, state, with_gamma

import bridge.huggingface as hf
from bridge import SpikingHead
from bridge.heads.named import circuit_named
from scenarios.workbench.head_params import HeadParams
from scenarios.workbench.swap_options import swap_options, swapped
from spiking import GammaCircuit, GammaParams

HERE = "circuits_of_a_user"


def circuit_of(model: Any) -> Any:
    head = next(iter(hf.plan_of(model).heads.values()))
    assert isinstance(head, SpikingHead)
    return head.score_map.circuit


@pytest.mark.parametrize("name", ["BRIEF", "slow_circuit", "Own", "Varying", "Fixed", "OneInhibitor"])
def test_a_circuit_by_its_path_attends_in_a_model(name: str) -> None:
    model = with_gamma("bert", circuit=f"{HERE}:{name}", spikes=8, mode="simulated", heads="0.0")
    assert state(model, batch("bert")).isfinite().all()
    assert (circuit_of(model) == GammaCircuit()) == (name == "slow_circuit")


def test_a_path_to_the_shipped_circuit_gives_its_spikes() -> None:
    by_name = with_gamma("bert", spikes=8, mode="simulated", heads="0.0", circuit="brief")
    by_path = with_gamma("bert", spikes=8, mode="simulated", heads="0.0", circuit=f"{HERE}:BRIEF")
    assert torch.equal(state(by_name, batch("bert")), state(by_path, batch("bert")))


def test_temperature_and_cells_replace_the_circuits_own() -> None:
    for path in (f"{HERE}:BRIEF", f"{HERE}:Own", f"{HERE}:Varying"):
        circuit = circuit_named(path, temperature=2.0, n_cells=7)
        assert (circuit.params.temperature, circuit.params.n_cells) == (2.0, 7)
    inhibitor = circuit_named(f"{HERE}:OneInhibitor", temperature=2.0, n_cells=7)
    assert inhibitor == OneInhibitor(temperature=2.0, n_cells=7)
    shipped = circuit_named("brief", temperature=2.0, n_cells=7)
    assert shipped == circuit_named(f"{HERE}:BRIEF", temperature=2.0, n_cells=7)
    assert isinstance(shipped, GammaCircuit)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (
            {"circuit": "no_such_package:Mine"},
            r"^circuit 'no_such_package:Mine': cannot import no_such_package",
        ),
        (
            {"circuit": f"{HERE}:Owm"},
            rf"^circuit '{HERE}:Owm': {HERE} has no 'Owm'; did you mean 'Own'\?$",
        ),
        ({"circuit": f"{HERE}:xyz"}, rf"{HERE} has no 'xyz'; correct the name after the colon$"),
        ({"circuit": f"{HERE}:NUMBER"}, r"must lead to a circuit with the method attend, got int; name a"),
        (
            {"circuit": f"{HERE}:makes_no_circuit"},
            r"must lead to a circuit with the method attend, got int; name a",
        ),
        (
            {"circuit": f"{HERE}:needs_an_argument"},
            r"calling it without arguments raised TypeError: .*'temperature'",
        ),
        (
            {"circuit": f"{HERE}:Fixed", "temperature": 2.0},
            r"^temperature must be left out, got 2\.0: the circ",
        ),
        ({"circuit": f"{HERE}:Fixed", "n_cells": 9}, r"^n_cells must be left out, got 9: the circuit"),
        ({"circuit": "brief:"}, r"^circuit must be one of .*; got 'brief:'; or use an import path such as"),
        ({"circuit": f"{HERE}.Own"}, r"^circuit must be one of .*; or use an import path such as"),
        ({"circuit": 3}, r"^circuit must be one of .*; got 3; or"),
    ],
)
def test_a_path_that_leads_to_no_circuit_is_refused(options: dict[str, Any], says: str) -> None:
    model = built("bert")
    with pytest.raises((ValueError, TypeError), match=says) as refused:
        hf.configure(model, **options)
    assert "\n" not in str(refused.value)
    assert model.config._attn_implementation != "gamma"
    assert not [name for name in vars(model.config) if name.startswith("gamma_")]


def test_a_scenario_takes_the_same_names() -> None:
    own = HeadParams(circuit=f"{HERE}:Own", n_cells=7)
    assert own.row_circuit() == Own(n_cells=7)
    assert HeadParams().row_circuit() == GammaCircuit(GammaParams.regular_brief())
    with pytest.raises(ValueError, match=r"circuit must be one of escape, lif, .*brief; got 'breif'"):
        HeadParams(circuit="breif")


@pytest.mark.parametrize("model", ["mini", "minilm"])
def test_the_command_swap_takes_a_circuit(model: str) -> None:
    assert "circuit" in {option.name for option in swap_options()}
    assert swapped({"model": model, "circuit": f"{HERE}:Own"}).values["circuit"] == f"{HERE}:Own"
