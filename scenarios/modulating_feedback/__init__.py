"""Scenario modulating-feedback: transformers whose low layers see what high ones made of the past."""

from __future__ import annotations

from dataclasses import dataclass

from pragmatic.tasks.programs import Programs
from scenarios.modulating_feedback.figures import figures
from scenarios.modulating_feedback.learnt import KINDS, learn
from scenarios.modulating_feedback.report import Study, in_data, in_numbers, in_words
from scenarios.workbench.outcome import Outcome, RunContext
from scenarios.workbench.params import param
from scenarios.workbench.readers import HEADS, Reader, check_softmax
from scenarios.workbench.sources import SourceParams

__all__ = ["QUESTION", "Params", "run"]

QUESTION = (
    "A layer of a transformer sees nothing that higher layers made of the past. What does it gain when it does, in "
    "programs whose printed values depend on long chains of steps, and what do spikes make of such feedback?"
)


@dataclass(frozen=True, kw_only=True)
class Params(SourceParams):
    n_variables: int = param(2, "variables of a program", at_least=1, at_most=10)
    n_values: int = param(5, "values that they take", at_least=2, at_most=20)
    length: int = param(20, "statements of a program", at_least=11)
    assigning: float = param(
        0.0, "how much likelier an assignment is than any other statement", at_least=0, at_most=100
    )
    n_layers: int = param(1, "layers of every model", at_least=1)
    n_heads: int = param(4, "attention heads in each", at_least=1)
    width: int = param(32, "of every model, a multiple of n_heads", at_least=1)
    iterations: int = param(600, "of training", at_least=1)
    longer: int = param(3, "times as many for the plain model that is trained longer", at_least=1, at_most=20)
    batch: int = param(64, "programs in each iteration", at_least=1)
    learning_rate: float = param(6e-3, "at its highest; it ends at a tenth", above=0, at_most=1)
    seeds: int = param(2, "models of each kind", at_least=1)
    programs: int = param(300, "held-out programs that everything is measured on", at_least=2)
    heads: tuple[str, ...] = param(
        HEADS, f"that read the trained models, of: {', '.join(HEADS)}", choices=HEADS
    )
    spikes: tuple[int, ...] = param((4, 16, 64), "spikes of a row, rising", at_least=1)

    def __post_init__(self) -> None:
        super().__post_init__()
        self.check_ordered("spikes")
        check_softmax(self.heads)

    @property
    def task(self) -> Programs:
        """The programs."""
        return Programs(
            n_variables=self.n_variables,
            n_values=self.n_values,
            length=self.length,
            assigning=self.assigning,
        )

    @property
    def cells(self) -> tuple[str, ...]:
        """Whose spikes read the trained models."""
        spiking = ("random", "regular") if "spiking" in self.heads else ()
        return (*spiking, *(("sampled",) if "sampled" in self.heads else ()))

    @property
    def readers(self) -> tuple[Reader, ...]:
        """(cells, spikes)."""
        return tuple((cells, n) for cells in self.cells for n in self.spikes)


def run(params: Params, ctx: RunContext) -> Outcome:
    """Train every kind on the same programs, then read plain and feedback through spikes."""
    base, learnt = int(ctx.rng.integers(2**31)), {}
    work = {name: _work(name, params) for name in KINDS}
    for name in KINDS:
        with ctx.part(KINDS[name].label, share=work[name] / sum(work.values())) as part:
            learnt[name] = learn(name, params, base, part)
    study = Study(learnt=learnt, params=params)
    metrics = in_numbers(study)
    return Outcome(
        dataset=in_data(study),
        metrics=metrics,
        headline=("right_all", "right_plain", "slower"),
        pictures=figures(study),
        **in_words(metrics, study),
    )


def _work(name: str, params: Params) -> float:
    """About how long a kind takes, relative to the plain model."""
    return {"all": 3.0, "last": 3.0, "deeper": 2.0, "longer": float(params.longer)}.get(name, 1.0)
