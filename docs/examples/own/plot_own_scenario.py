"""
Your own scenario
=================

A question, an experiment and a verdict in one file of a hundred lines, which ``fortyhertz run FILE`` runs with
flags, a report, stored data and sweeps. The question here: does the conduction delay between E and I cells set the
frequency of gamma, and does the selection stay as it is?

``fortyhertz new my_study`` writes such a file, and a test for it, to start from.
"""

import tempfile
from dataclasses import dataclass
from textwrap import fill

import xarray as xr
from matplotlib.figure import Figure

import fortyhertz as fh
from scenarios.workbench.axes import points
from scenarios.workbench.lines import Lines
from scenarios.workbench.outcome import Numbers, Outcome, RunContext, Words
from scenarios.workbench.panels import captioned, panels, pictures
from scenarios.workbench.params import ScenarioParams, param
from scenarios.workbench.sentences import choose, words
from scenarios.workbench.stages import simulation
from scenarios.workbench.statistics import Estimate, clear, difference, estimate_of, mean
from scenarios.workbench.tables import column, estimate_column

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


def run(params: Params, ctx: RunContext) -> Outcome:
    """Simulate the same rows at every delay."""
    scores = ctx.rng.normal(0, 1.5, (params.n_rows, 8))
    f_gamma, beta = [], []
    for delay_ms in params.delays_ms:
        circuit = fh.GammaCircuit(fh.GammaParams(delay_ms=delay_ms, gain=1.0))
        with simulation(ctx, f"delay {delay_ms:g} ms", share=1 / len(params.delays_ms)) as options:
            selection = circuit.attend(scores, duration_ms=params.duration_ms, **options)
        fitted = fh.fit_softmax(selection.counts, scores)
        f_gamma.append(mean(selection.f_gamma_Hz))
        beta.append(Estimate(value=fitted.beta, error=fitted.beta_se_quasi))
    data = xr.Dataset(
        {
            **estimate_column("f_gamma", "delay", f_gamma, "gamma frequency", "Hz"),
            **estimate_column("beta", "delay", beta, r"$\beta \times$ temperature"),
        },
        {"delay": column("delay", params.delays_ms, "delay", "ms")},
    ).sortby("delay")
    return outcome(data)


# %%
# Each quantity is declared once, as a column of the dataset above, with its label and unit. What the run leaves
# takes them from there: metrics with their errors, figures with captions, and a verdict that the numbers decide.
# Delays stay short enough for the peak to lie inside the gamma band, 30 to 80 Hz, in every row.


def outcome(data: xr.Dataset) -> Outcome:
    """Put the answer together."""
    lines = Lines()
    for measure, label in (("f_gamma", "gamma"), ("beta", "beta x temperature")):
        for delay in data.delay.values:
            at = data.sel(delay=delay)
            lines.take(at, measure, name=f"{measure}_{delay:g}", label=f"{label}, delay {delay:g} ms")
    shortest, longest = data.delay.values[[0, -1]]
    return Outcome(
        dataset=data,
        metrics=lines.metrics,
        headline=(f"f_gamma_{shortest:g}", f"f_gamma_{longest:g}", f"beta_{longest:g}"),
        pictures=pictures(data, frequencies),
        **verdict(lines.metrics, shortest, longest),
    )


@captioned("(A) Gamma frequency and (B) fitted beta against the delay, mean ± standard error.")
def frequencies(data: xr.Dataset) -> Figure:
    """Draw both against the delay."""
    figure, axes = panels("AB", height_in=2.8)
    points(axes["A"], data, "delay", "f_gamma")
    points(axes["B"], data, "delay", "beta")
    axes["B"].set_ylim(0.8, 1.2)
    return figure


def verdict(m: Numbers, shortest: float, longest: float) -> Words:
    """Say what is clear once both comparisons are corrected for each other."""
    ends = {
        measure: [m[f"{measure}_{at:g}"] for at in (shortest, longest)] for measure in ("f_gamma", "beta")
    }
    changes = {
        name: difference(estimate_of(long), estimate_of(short)) for name, (short, long) in ends.items()
    }
    goes = {n: choose(s, "rises", "does not change clearly", "falls") for n, s in clear(changes).items()}
    (f_short, f_long), (beta_short, beta_long) = ends.values()
    answer = (
        f"From {shortest:g} to {longest:g} ms of delay the gamma frequency {goes['f_gamma']}, from {f_short} to "
        f"{f_long}; beta {goes['beta']}, from {beta_short} to {beta_long}."
    )
    return words(answer, short=(answer,))


# %%
# From Python a scenario is run by its path, here in its own folder.

if __name__ == "__main__":
    stored = fh.run_scenario("plot_own_scenario.py", seed=0, out=tempfile.mkdtemp())
    print(fill(stored.verdict, 80))
    figures = {stored.captions[path.stem]: path for path in stored.folder.glob("*.png")}
