"""Scenario expressive-transformer: what constructed attention computes, and its price in spikes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from pragmatic.machines.arithmetic import TwoKeys
from pragmatic.machines.memory import AddressedMemory
from scenarios.expressive_transformer.branches import branches
from scenarios.expressive_transformer.figures import price, regime, switch
from scenarios.expressive_transformer.measures import Study, in_data, in_numbers
from scenarios.expressive_transformer.price import (
    CONSTRUCTIONS,
    LENGTH,
    Curve,
    Maps,
    Sources,
    counting,
    exact_errors,
    program,
    retrieval,
    two_keys,
)
from scenarios.expressive_transformer.regimes import regimes
from scenarios.expressive_transformer.words import in_words
from scenarios.workbench.outcome import Outcome, RunContext
from scenarios.workbench.panels import pictures
from scenarios.workbench.params import param
from scenarios.workbench.readers import HEADS, check_twin
from scenarios.workbench.sources import SourceParams

__all__ = ["QUESTION", "Params", "run"]

QUESTION = (
    "What can attention compute with constructed weights: sums, products, exponentials, logarithms, counts, "
    "look-ups, "
    "a switch, a program? How many spikes does each take when a simulated circuit does the attention?"
)
Measure = Callable[[Maps, bool], Curve]  # of score maps, and whether their cells are regular


@dataclass(frozen=True, kw_only=True)
class Params(SourceParams):
    spikes: tuple[int, ...] = param((16, 64, 256, 1024), "budgets of a row, rising", at_least=4, at_most=2048)
    n_rows: int = param(2000, "rows for each error", at_least=20)
    heads: tuple[str, ...] = param(
        HEADS, f"that are compared, of: {', '.join(HEADS)}; only sampled can be left out", choices=HEADS
    )
    matches: tuple[int, ...] = param(
        (1, 2, 4), f"matches to count among {LENGTH} tokens, rising", at_least=1, at_most=LENGTH - 1
    )
    bits: int = param(4, "bits of an address", at_least=1, at_most=8)
    beta: float = param(1.0, "sharpness of a look-up for each bit", at_least=0.1, at_most=20)
    few_spikes: tuple[int, ...] = param(
        (1, 2, 4, 8, 16, 32), "budgets of a look-up, rising", at_least=1, at_most=4096
    )
    branch_spikes: int = param(64, "spikes of a row at the switch", at_least=4, at_most=4096)
    inhibition: tuple[float, ...] = param(
        (0.0, 1.0, 2.0, 4.0, 6.0, 8.0),
        "inhibition of the branch not taken, in scores, rising",
        at_least=0,
        at_most=50,
    )
    common: float = param(2.0, "common score of a row, at most this up or down", at_least=0.1, at_most=3)
    spread: float = param(0.7, "spread of a row's scores around it", at_least=0.01, at_most=3)

    def __post_init__(self) -> None:
        super().__post_init__()
        self.check_ordered("spikes", "matches", "few_spikes", "inhibition")
        check_twin(self.heads)


def run(params: Params, ctx: RunContext) -> Outcome:
    """Measure each construction by each source of weights, then the two regimes of the loop and the switch."""
    made = {
        "circuit": Sources(params.circuit, ctx.rng, ctx.engine),
        "regular": Sources(params.regular, ctx.rng, ctx.engine, "regular"),
    }
    sources: dict[str, Maps] = {
        "circuit": made["circuit"],
        **({"sampled": made["circuit"].sampled} if "sampled" in params.heads else {}),
        "regular": made["regular"],
    }
    curves: dict[tuple[str, str], Curve] = {}
    with ctx.progress.stage("constructions", share=0.75) as progress:
        for at, (name, maps) in enumerate(sources.items()):
            for each, (construction, measure) in enumerate(_measures(params, ctx).items()):
                curves[name, construction] = measure(maps, name == "regular")
                progress((at + (each + 1) / len(_measures(params, ctx))) / len(sources))
    with ctx.part("loop on and cut", share=0.2) as part:
        measured = regimes(params.spikes, params.n_rows, params.common, params.spread, part)
    with ctx.progress.stage("switch", share=0.05):
        switched = branches(
            made["circuit"](params.branch_spikes),
            params.branch_spikes,
            params.inhibition,
            params.n_rows,
            ctx.rng,
        )
    study = Study(
        curves=curves,
        regimes=measured,
        branches=switched,
        exact=exact_errors(params.n_rows, ctx.rng),
        beta={name: dict(source.beta) for name, source in made.items()},
        params=params,
    )
    metrics = in_numbers(study, ctx.rng)
    return Outcome(
        dataset=in_data(study, ctx.rng),
        metrics=metrics,
        headline=("product_logit", "slope_cut", "saved"),
        pictures=pictures(study, regime, price, switch, shown=study.shown, branch=params.branch_spikes),
        **in_words(metrics, study),
    )


def _measures(params: Params, ctx: RunContext) -> dict[str, Measure]:
    """What is measured of each source: name -> function of its score maps and whether its cells are regular."""
    spikes, rows, rng = params.spikes, params.n_rows, ctx.rng

    def keys(made: TwoKeys) -> Measure:
        return lambda maps, regular: two_keys(made, maps, spikes, rows, rng, regular=regular)

    def count(d: int) -> Measure:
        return lambda maps, regular: counting(d, maps, spikes, rows, rng, regular=regular)

    memory = AddressedMemory(n_bits=params.bits, beta=params.beta)
    return {
        **{name: keys(made) for name, made in CONSTRUCTIONS.items()},
        "program": lambda maps, regular: program(maps, spikes, rows, rng, regular=regular),
        **{f"count_{d}": count(d) for d in params.matches},
        "look_up": lambda maps, regular: retrieval(memory, maps, params.few_spikes, rows, rng),
    }
