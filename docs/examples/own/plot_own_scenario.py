"""
Your own scenario
=================

A question, an experiment and a verdict in one file of a hundred lines, which ``fortyhertz run FILE`` runs with
flags, a report, stored data and sweeps. The question here: does the conduction delay between E and I cells set the
frequency of gamma, and does the selection stay as it is?

``fortyhertz new my_study`` writes such a file, and a test for it, to start from.
"""

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from textwrap import fill

import xarray as xr
from matplotlib.figure import Figure

import fortyhertz as fh
from scenarios.workbench.outcome import Metric, Outcome, RunContext
from scenarios.workbench.panels import captioned, dots, panels, pictures
from scenarios.workbench.params import ScenarioParams, param
from scenarios.workbench.sentences import choose, say
from scenarios.workbench.stages import simulation
from scenarios.workbench.statistics import Estimate, clear, difference, mean, metric
from scenarios.workbench.tables import columns

# %%
# The question, and the parameters with their defaults, bounds and help: each becomes a flag, ``--delays-ms 0.5,1``.

QUESTION = "Does the delay between E and I cells set the frequency of gamma and leave the selection as it is?"


@dataclass(frozen=True, kw_only=True)
class Params(ScenarioParams):
    delays_ms: tuple[float, ...] = param((0.5, 0.75, 1.0, 1.5), "delays, both ways", at_least=0.2)
    n_rows: int = param(32, "rows of random scores, the same for every delay", at_least=2)
    duration_ms: float = param(1000.0, "simulated time for every row", above=0)


# %%
# The experiment: ``run`` receives the parameters, and in ``ctx`` the random generator, the engine and the progress.


@dataclass(frozen=True, kw_only=True)
class Result:
    """What one delay gives."""

    f_gamma: Estimate  # Hz, over rows
    beta: Estimate  # of the softmax fitted to the spikes, times temperature


def run(params: Params, ctx: RunContext) -> Outcome:
    """Simulate the same rows at every delay."""
    scores = ctx.rng.normal(0, 1.5, (params.n_rows, 8))
    results = {}
    for delay_ms in params.delays_ms:
        circuit = fh.GammaCircuit(fh.GammaParams(delay_ms=delay_ms, gain=1.0))
        with simulation(ctx, f"delay {delay_ms:g} ms", share=1 / len(params.delays_ms)) as options:
            selection = circuit.attend(scores, duration_ms=params.duration_ms, **options)
        fitted = fh.fit_softmax(selection.counts, scores)
        results[delay_ms] = Result(
            f_gamma=mean(selection.f_gamma_Hz),
            beta=Estimate(value=fitted.beta, error=fitted.beta_se_quasi),
        )
    return outcome(results)


# %%
# What it leaves: labelled data, metrics with their errors, figures with captions, and a verdict that the numbers
# decide. Delays stay short enough for the peak to lie inside the gamma band, 30 to 80 Hz, in every row.


def outcome(results: Mapping[float, Result]) -> Outcome:
    """Put the answer together."""
    shortest, longest = min(results), max(results)
    return Outcome(
        dataset=xr.Dataset(
            {
                **columns("delay", "Hz", f_gamma=[r.f_gamma.value for r in results.values()]),
                **columns("delay", beta=[r.beta.value for r in results.values()]),
            },
            columns("delay", "ms", delay=list(results)),
        ),
        metrics=metrics(results),
        headline=(f"f_gamma_{shortest:g}", f"f_gamma_{longest:g}", f"beta_{longest:g}"),
        pictures=pictures(results, frequencies),
        in_short=(verdict(results),),
        verdict=verdict(results),
    )


def metrics(results: Mapping[float, Result]) -> dict[str, Metric]:
    """Frequency and selectivity of every delay."""
    frequency = {
        f"f_gamma_{d:g}": metric(f"gamma, delay {d:g} ms", r.f_gamma, unit="Hz") for d, r in results.items()
    }
    beta = {f"beta_{d:g}": metric(f"beta x temperature, delay {d:g} ms", r.beta) for d, r in results.items()}
    return {**frequency, **beta}


@captioned("(A) Gamma frequency and (B) fitted beta against the delay, mean ± standard error.")
def frequencies(results: Mapping[float, Result]) -> Figure:
    """Draw both against the delay."""
    figure, axes = panels("AB", height_in=2.8)
    dots(axes["A"], list(results), [r.f_gamma for r in results.values()])
    dots(axes["B"], list(results), [r.beta for r in results.values()])
    axes["A"].set(xlabel="delay (ms)", ylabel="gamma (Hz)")
    axes["B"].set(xlabel="delay (ms)", ylabel=r"$\beta \times$ temperature", ylim=(0.8, 1.2))
    return figure


def verdict(results: Mapping[float, Result]) -> str:
    """Say what is clear once both comparisons are corrected for each other."""
    short, long = results[min(results)], results[max(results)]
    signs = clear({"f": difference(long.f_gamma, short.f_gamma), "beta": difference(long.beta, short.beta)})
    return (
        f"From {min(results):g} to {max(results):g} ms of delay the gamma frequency "
        f"{choose(signs['f'], 'rises', 'does not change clearly', 'falls')}, from {say(short.f_gamma, 'Hz')} to "
        f"{say(long.f_gamma, 'Hz')}; beta {choose(signs['beta'], 'rises', 'does not change clearly', 'falls')}, "
        f"from {say(short.beta)} to {say(long.beta)}."
    )


# %%
# From Python a scenario is run by its path, here in its own folder.

if __name__ == "__main__":
    stored = fh.run_scenario("plot_own_scenario.py", seed=0, out=tempfile.mkdtemp())
    print(fill(stored.verdict, 80))
    figures = {stored.captions[path.stem]: path for path in stored.folder.glob("*.png")}
