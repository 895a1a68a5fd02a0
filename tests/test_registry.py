"""Every name that `fortyhertz list` shows is a scenario, and the names stand for what the packages have."""

from __future__ import annotations

import pytest

import spiking
from scenarios.workbench import registry
from scenarios.workbench.params import ScenarioParams, fields_of
from scenarios.workbench.registry import SCENARIOS, load


@pytest.mark.parametrize("name", list(SCENARIOS))
def test_registered_scenarios_load_and_are_whole(name: str) -> None:
    scenario = load(name)
    assert scenario.QUESTION.rstrip().endswith((".", "?"))
    assert issubclass(scenario.Params, ScenarioParams)
    assert callable(scenario.run)
    assert all(field.help for field in fields_of(scenario.Params))


def test_engines_at_the_edge_are_the_simulators() -> None:
    """Written twice, because help must not import a simulator."""
    assert tuple(spiking.ENGINES) == registry.ENGINES


def test_models_are_compared_by_scenarios() -> None:
    assert set(registry.MODELS.values()) <= set(SCENARIOS)
