"""Scenario attention-by-inhibition: less drive to the I cells brings the rhythm, and with it competition."""

from __future__ import annotations

from dataclasses import dataclass

from scenarios.attention_by_inhibition.circuits import conditions
from scenarios.attention_by_inhibition.competition import coherences, compete
from scenarios.attention_by_inhibition.figures import figures
from scenarios.attention_by_inhibition.laws import fit_laws
from scenarios.attention_by_inhibition.measures import Study, in_data, in_numbers
from scenarios.attention_by_inhibition.reference import measure_reference
from scenarios.attention_by_inhibition.theory import measure_theory
from scenarios.attention_by_inhibition.words import in_words
from scenarios.workbench.outcome import Outcome, RunContext
from scenarios.workbench.params import ScenarioParams, param

__all__ = ["QUESTION", "Params", "run"]

QUESTION = (
    "Attention may be inhibition of the I cells: driven I cells fire out of step, quiet ones wait for the E cells "
    "and make a rhythm. Does that let the stronger of two assemblies suppress the other, more than as many spikes "
    "without the rhythm do, and which law of selection follows?"
)


@dataclass(frozen=True, kw_only=True)
class Params(ScenarioParams):
    baths: tuple[float, ...] = param(
        (0.0, 0.2, 0.4, 0.55, 0.7), "inhibition of the I cells, uA/cm2", at_least=0, at_most=2
    )
    contrasts: tuple[float, ...] = param(
        (0.0, 0.25, 0.5, 0.75, 1.0), "by how much the rival's drive is weaker, in scores of 0.5 uA/cm2",
        at_least=0, at_most=1,
    )  # fmt: skip
    n_rows: int = param(10, "circuits for each point of a curve", at_least=4)
    n_law_rows: int = param(64, "rows of random scores for the laws", at_least=10)
    n_keys: int = param(4, "assemblies in those rows", at_least=2, at_most=16)
    spread: float = param(1.0, "standard deviation of the random scores", at_least=0.1, at_most=3)
    duration_ms: float = param(500.0, "measured time of a row", at_least=200)
    n_networks: int = param(3, "networks of PING_1 and PING_8; 0 leaves them out", at_least=0)

    def __post_init__(self) -> None:
        super().__post_init__()
        self.check_ordered("baths", "contrasts")


def run(params: Params, ctx: RunContext) -> Outcome:
    """Measure the reference networks, coherence, competition and the laws, then what theory predicts."""
    with ctx.part("reference networks", share=0.2) as part:
        reference = measure_reference(params.n_networks, part)
    with ctx.part("coherence", share=0.2) as part:
        coherent = coherences(params, part)
    with ctx.part("competition", share=0.3) as part:
        circuits = conditions(params, part)
        rivalry = {name: compete(circuit, params, part) for name, circuit in circuits.items()}
    with ctx.part("laws", share=0.3) as part:
        laws = fit_laws(circuits, params, part)
    study = Study(
        params=params,
        reference=reference,
        coherent=coherent,
        circuits=circuits,
        rivalry=rivalry,
        laws=laws,
        theory=measure_theory(circuits["attended"], rivalry["attended"].lag_ms, params.contrasts),
    )
    metrics = in_numbers(study)
    return Outcome(
        dataset=in_data(study),
        metrics=metrics,
        headline=("locking_attended", "suppression_attended", "half_attended"),
        pictures=figures(study),
        **in_words(study),
    )
