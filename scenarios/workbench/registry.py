"""The names of scenarios and engines, and how a name becomes the module behind it."""

from __future__ import annotations

import importlib
from typing import Any, Protocol, cast

from scenarios.workbench.errors import check_known
from scenarios.workbench.outcome import Outcome, RunContext
from scenarios.workbench.params import ScenarioParams

__all__ = ["ENGINES", "MODELS", "SCENARIOS", "Scenario", "load"]

ENGINES = ("fused", "brian2")

MODELS = {"minilm": "minilm-heads"}  # model -> the scenario that compares its heads

SCENARIOS: dict[str, str] = {  # name -> one-line summary; the file is scenarios/<name_with_underscores>.py
    "gamma-selects": "Stimuli of different drive compete; the gamma loop selects, cutting it is the control",
    "softmax-from-spikes": "The selection law fitted on random scores: is it softmax, at how many spikes?",
    "what-gamma-buys": "Rhythm against a rate-matched circuit without it: selection, gain, time, spikes",
    "vectors-through-spikes": "The whole spiking head against softmax attention: vectors in, vectors out",
    "temperature-map": "How delay, GABA decay, noise, inhibition and cells set temperature and gamma",
    "minilm-heads": "Queries and keys of a pretrained MiniLM through the gamma circuit, head by head",
    "head-swap": "Spiking heads in a trained mini-transformer: loss against spikes, and which heads are fragile",
    "fine-tune-spikes": "A swapped mini-transformer learns on through its spikes: how much of the loss comes back",
    "swap-model": "Spiking heads in a pretrained transformer: what changes, layer by layer",
    "minilm-on-gamma": "MiniLM judges sentence pairs with all 72 heads simulated, against spikes per row",
    "train-with-spikes": "Trained from scratch with spikes in the loop: loss by iteration, time and operations",
    "mini-transformer-bill": "Tasks x heads x budgets: what a spiking mini-transformer can do, and what it costs",
    "compare-file": "Your own scores, or queries, keys and values, through the gamma circuit",
}


class Scenario(Protocol):
    """What a scenario's module offers."""

    @property
    def QUESTION(self) -> str:
        """The question that the scenario answers, in one or two sentences."""
        ...

    @property
    def Params(self) -> type[ScenarioParams]:
        """Its parameters, each with a default and a line of help."""
        ...

    def run(self, params: Any, ctx: RunContext) -> Outcome:
        """Answer the question."""
        ...


def load(name: str) -> Scenario:
    """Import a scenario by its name.

    Raises
    ------
    UsageError
        If no scenario has that name.
    """
    check_known("scenario", name, SCENARIOS)
    return cast(Scenario, importlib.import_module(f"scenarios.{name.replace('-', '_')}"))
