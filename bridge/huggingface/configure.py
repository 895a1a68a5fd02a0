"""Gamma attention in one call: for a model at hand, and for one that was saved."""

from __future__ import annotations

from dataclasses import fields, replace
from pathlib import Path
from typing import Any

from transformers import AutoConfig, AutoModel, PreTrainedModel

from bridge.heads.choice import HeadChoice
from bridge.huggingface.model import outermost, the_model
from bridge.huggingface.options import NAME, GammaOptions, gamma_keys
from spiking.checks import known

__all__ = ["configure", "load"]

OPTIONS = tuple(field.name for field in fields(GammaOptions))


def configure(model: PreTrainedModel, *, heads: HeadChoice | None = None, **options: Any) -> PreTrainedModel:
    """Give a model gamma attention; all options go into its configuration and are saved with it.

    Parameters
    ----------
    model : PreTrainedModel
    heads : str or pairs of int, optional
        "all", pairs (layer, head), or a text such as "0.1,3.*".
    **options
        Any other field of `GammaOptions`: spikes, duration_ms, temperature, circuit, n_cells, engine, seed, mode,
        readout, flatness.
        Those that are left out keep their value in the configuration, or else have their default.

    Returns
    -------
    PreTrainedModel
        The same object.

    Raises
    ------
    ValueError, TypeError
        For an option that does not exist or is out of range, heads that the model does not have, and a model
        that cannot have gamma attention. The model stays as it was.

    Examples
    --------
    >>> configure(model, heads="0.1,3.*", spikes=32, seed=7)  # doctest: +SKIP
    """
    inside = the_model(model, "configure")
    config = outermost(inside).config
    if heads is not None:
        options["heads"] = heads
    chosen = _varied(GammaOptions.of(config), options)
    before = dict(gamma_keys(config))
    vars(config).update(chosen.as_keys())
    try:
        inside.set_attn_implementation(NAME)
    except Exception:
        for key in chosen.as_keys():
            del vars(config)[key]
        vars(config).update(before)
        raise
    return model


def load(path: str | Path, model_class: Any = AutoModel, **keywords: Any) -> PreTrainedModel:
    """Load a saved model with the gamma attention that it was saved with.

    Parameters
    ----------
    path : str or Path
        Of the folder that `save_pretrained` wrote.
    model_class : class
        `transformers.AutoModel` or any class with `from_pretrained`.
    **keywords
        Options of `configure`, which replace saved ones; all others go to `from_pretrained`. Unless they say
        otherwise, weights must be safetensors, and code in the folder is not run.

    Raises
    ------
    ValueError
        For a folder without options of gamma attention when none are given here.
    """
    options = {name: keywords.pop(name) for name in OPTIONS if name in keywords}
    config = AutoConfig.from_pretrained(path, trust_remote_code=False)
    if not (options or gamma_keys(config)):
        raise ValueError(
            f"{path} holds no options of gamma attention, so there is none to restore; give some, such as "
            'load(path, heads="all"), and save a model that configure has prepared'
        )
    vars(config).update(_varied(GammaOptions.of(config), options).as_keys())
    safe = {"trust_remote_code": False, "use_safetensors": True}  # no code and no pickle of the folder is run
    return model_class.from_pretrained(path, config=config, attn_implementation=NAME, **{**safe, **keywords})


def _varied(options: GammaOptions, given: dict[str, Any]) -> GammaOptions:
    for name in given:
        known("option of gamma attention", name, OPTIONS)
    heads = given.get("heads")
    if heads is not None and not isinstance(heads, str):
        given = {**given, "heads": _as_text(heads)}
    return replace(options, **given)


def _as_text(heads: Any) -> str:
    """Pairs as the text that a configuration can hold."""
    try:
        return ",".join(f"{int(layer)}.{int(head)}" for layer, head in heads)
    except (TypeError, ValueError):
        raise TypeError(
            f'heads must be "all", a text such as "0.1,3.*" or pairs (layer, head), got {heads!r}'
        ) from None
