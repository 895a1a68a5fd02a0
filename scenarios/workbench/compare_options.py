"""The options of `fortyhertz compare`, and which scenario with which parameters they ask for."""

from __future__ import annotations

from typing import Any

import click

from scenarios.workbench.errors import UsageError, check_known
from scenarios.workbench.options import Request, read_text_file
from scenarios.workbench.registry import MODELS

__all__ = ["compare_options", "comparison"]

OF_MODEL = ("text", "temperature", "duration_ms", "n_cells")
BELONGS_TO = {"text": "model", "text_file": "model", "layer": "model", "head": "model", "mask": "scores"}


def compare_options() -> list[click.Parameter]:
    """The options of the command, without seed, engine and out."""
    helps = {
        "--model": f"A pretrained model's heads: {', '.join(MODELS)}.",
        "--text": "Text for the model.  [default: a sample paragraph]",
        "--text-file": "The same from a UTF-8 file.",
        "--scores": "Scores (rows, keys) in a .npy file.",
        "--mask": "With --scores: bool of the same shape in a .npy file, True where the key takes part.",
        "--qkv": "Arrays query, key, value (length, dim) in an .npz file.",
    }
    return [
        *(click.Option([option], help=text) for option, text in helps.items()),
        click.Option(
            ["--layer"], type=int, multiple=True, default=None, help="Layer, repeatable.  [default: all]"
        ),
        click.Option(
            ["--head"], type=int, multiple=True, default=None, help="Head, repeatable.  [default: all]"
        ),
        click.Option(["--temperature"], type=float, help="Softmax temperature wanted."),
        click.Option(["--duration-ms"], type=float, help="Simulated time for every row."),
        click.Option(["--n-cells"], type=int, help="Excitatory cells per key."),
    ]


def comparison(values: dict[str, Any]) -> Request:
    """Which scenario the given options ask for.

    Parameters
    ----------
    values : dict
        The options that were given, by name.

    Raises
    ------
    UsageError
        If not exactly one of model, scores and qkv is given, or an option belongs to another of them.
    """
    values = {name: value for name, value in values.items() if value != ()}
    sources = [name for name in ("model", "scores", "qkv") if name in values]
    if len(sources) != 1:
        got = " and ".join(f"--{name}" for name in sources) or "none"
        raise UsageError(f"compare needs one of --model, --scores, --qkv, got {got}; try: --model minilm")
    for option, owner in BELONGS_TO.items():
        if option in values and owner not in values:
            raise UsageError(
                f"--{option.replace('_', '-')} must go with --{owner}, got --{sources[0]}; leave it out"
            )
    return _of_model(values) if "model" in values else Request(scenario="compare-file", values=values)


def _of_model(values: dict[str, Any]) -> Request:
    values = read_text_file(values)
    check_known("model", values["model"], MODELS)
    kept = {name: values[name] for name in OF_MODEL if name in values}
    if "layer" in values or "head" in values:
        kept["heads"] = ",".join(
            f"{layer}.{head}" for layer in values.get("layer", "*") for head in values.get("head", "*")
        )
    return Request(scenario=MODELS[values["model"]], values=kept)
