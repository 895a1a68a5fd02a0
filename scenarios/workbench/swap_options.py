"""The options of `fortyhertz swap`, and which scenario with which parameters they ask for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from scenarios.workbench.errors import UsageError
from scenarios.workbench.options import Request, read_text_file

__all__ = ["swap_options", "swapped"]

MINI, MINILM, SMOLLM2 = "mini", "minilm", "smollm2"
SPIKES = 64  # per row, unless given
OF_MINI = ("task", "checkpoint", "iterations")
OF_THE_OTHERS = ("text", "pairs", "temperature")
OF_LANGUAGE_MODELS = "minimal_pairs"
OF_NO_LANGUAGE_MODEL = (*OF_MINI, "text", "pairs", "temperature")


def swap_options() -> list[click.Parameter]:
    """The model and the options of the command, without seed, engine and out."""
    return [
        click.Argument(["model"], metavar="MODEL"),
        click.Option(
            ["--heads"], help="all, or layer.head with commas, * for every one: 0.1,3.*  [default: all]"
        ),
        click.Option(["--spikes"], type=int, help="Spikes per row.  [default: 64]"),
        click.Option(
            ["--circuit"], help="A named circuit, or yours: package.module:name.  [default: regular-brief]"
        ),
        click.Option(["--n-cells"], type=int, help="Excitatory cells per key; fewer are faster."),
        click.Option(["--temperature"], type=float, help="Divides the scores; not with mini.  [default: 1]"),
        click.Option(["--text"], help="Text for the model.  [default: a sample paragraph]"),
        click.Option(["--text-file"], help="The same from a UTF-8 file; with mini: what it is trained on."),
        click.Option(
            ["--pairs"], help="Score, sentence, sentence in a tab-separated file: compare the ranking."
        ),
        click.Option(
            ["--minimal-pairs"],
            help="Paradigm, field, good, bad in a tab-separated file: judged by a language model.",
        ),
        click.Option(["--task"], help="With mini: the task that it is trained for.  [default: text]"),
        click.Option(["--checkpoint"], help="With mini: a model.safetensors of an earlier run."),
        click.Option(["--iterations"], type=int, help="With mini: of training."),
    ]


def swapped(values: dict[str, Any]) -> Request:
    """Which scenario the given options ask for.

    Parameters
    ----------
    values : dict
        The options that were given, by name, the model among them.

    Raises
    ------
    UsageError
        If the model is neither a known name nor a folder, or an option belongs to another kind of model.
    """
    model = values["model"]
    kept = {name: value for name, value in values.items() if name != "model"}
    if model in (MINI, MINILM):
        _refuse(kept, (OF_LANGUAGE_MODELS,), belongs="a language model", model=model)
    if model == MINI:
        return _of_mini(kept)
    if model == SMOLLM2 or model.endswith(".gguf") or (OF_LANGUAGE_MODELS in kept and Path(model).is_dir()):
        _refuse(kept, OF_NO_LANGUAGE_MODEL, belongs="another model", model=model)
        spikes = (kept.pop("spikes", SPIKES),)
        return Request(
            scenario="language-model-on-gamma",
            values={**kept, "model": model, "spikes": spikes, "layer_spikes": 0},
        )
    if model != MINILM and not Path(model).is_dir():
        raise UsageError(
            f"model must be {MINI}, {MINILM}, {SMOLLM2}, a .gguf file or a folder, got {model}; check the path"
        )
    _refuse(kept, OF_MINI, belongs=MINI, model=model)
    if "pairs" in kept:
        _refuse(kept, ("text", "text_file"), belongs="a model without --pairs", model=f"{model} --pairs")
        return _of_pairs({**kept, "model": model})
    return Request(scenario="swap-model", values={**read_text_file(kept), "model": model})


def _of_pairs(kept: dict[str, Any]) -> Request:
    """At one number of spikes, compared with as many samples, and without single layers."""
    spikes = (kept.pop("spikes", SPIKES),)
    return Request(
        scenario="minilm-on-gamma", values={**kept, "spikes": spikes, "sampled": spikes, "layer_spikes": 0}
    )


def _of_mini(kept: dict[str, Any]) -> Request:
    _refuse(kept, OF_THE_OTHERS, belongs=f"{MINILM} or a folder", model=MINI)
    if "text_file" in kept:
        kept["text"] = kept.pop("text_file")
    if "spikes" in kept:
        kept["spikes"] = (kept["spikes"],)
    return Request(scenario="head-swap", values=kept)


def _refuse(kept: dict[str, Any], options: tuple[str, ...], *, belongs: str, model: str) -> None:
    for name in options:
        if name in kept:
            raise UsageError(f"--{name.replace('_', '-')} must go with {belongs}, got {model}; leave it out")
