"""Scenario rhythm-file: is there a rhythm in a recording of yours, and do its spikes keep to it?"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from scenarios.rhythm_file.figures import figures
from scenarios.rhythm_file.measures import in_data, in_numbers, in_words, measure
from scenarios.rhythm_file.runaway import without_runaway
from scenarios.workbench.errors import UsageError
from scenarios.workbench.outcome import Outcome, RunContext
from scenarios.workbench.params import ScenarioParams, param
from scenarios.workbench.recordings import read_recording

__all__ = ["QUESTION", "Params", "run"]

QUESTION = (
    "Is there a rhythm in the spikes of a recording, at which frequency, is it more than chance, and do spikes "
    "keep to the phase of the field?"
)


@dataclass(frozen=True, kw_only=True)
class Params(ScenarioParams):
    file: str | None = param(
        None, "an .nwb file with units, or a .mat file with n (spikes) and y (field), trials x samples"
    )
    low_Hz: float = param(30.0, "lower edge of the band that is searched", at_least=1, at_most=79)
    high_Hz: float = param(80.0, "upper edge", at_least=31, at_most=500)
    bin_ms: float = param(1.0, "bins of the spectrum", at_least=0.05, at_most=1)


def run(params: Params, ctx: RunContext) -> Outcome:
    """Read the file, look for the rhythm, and measure how spikes keep to it."""
    if params.file is None:
        raise UsageError("file must name a recording, got none; use fortyhertz rhythm FILE")
    with ctx.progress.stage("read the recording", share=0.2):
        recording = read_recording(params.file)
    _check_band(params, recording.field_dt_ms)
    if not len(recording.spikes):
        raise UsageError(f"file must hold spikes, got none in {params.file}; choose another")
    steady, runaway = without_runaway(recording.spikes, params.file)
    recording = replace(recording, spikes=steady)
    with ctx.progress.stage("look for a rhythm", share=0.8):
        found = measure(recording, (params.low_Hz, params.high_Hz), params.bin_ms, runaway)
    metrics = in_numbers(found)
    locked = found.coherence is not None
    return Outcome(
        dataset=in_data(found),
        metrics=metrics,
        headline=("coherence", "f_coherence", "ppc") if locked else ("rhythmic", "f_gamma", "rate"),
        pictures=figures(found),
        spikes={"recording": recording.spikes},
        **in_words(metrics, found),
    )


def _check_band(params: Params, field_dt_ms: float) -> None:
    """Bounds that depend on one another, and on how often the field was sampled; nan without a field."""
    nyquist_Hz = 500.0 / max(params.bin_ms, np.nan_to_num(field_dt_ms))
    if params.high_Hz <= params.low_Hz:
        raise UsageError(f"high_Hz must be > low_Hz = {params.low_Hz:g}, got {params.high_Hz:g}; raise it")
    if params.high_Hz > nyquist_Hz:
        raise UsageError(
            f"high_Hz must be <= {nyquist_Hz:g}, half the rate of samples (Nyquist), got {params.high_Hz:g}; lower "
            "it"
        )
