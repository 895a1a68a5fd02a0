"""Scenario oscillatory-memory: what phases remember, what a gamma head remembers, and what each costs."""

from __future__ import annotations

from dataclasses import dataclass

from scenarios.oscillatory_memory.figures import figures
from scenarios.oscillatory_memory.heads import measure_heads, measure_map
from scenarios.oscillatory_memory.measures import Study, in_data, in_numbers
from scenarios.oscillatory_memory.phases import measure_harmonics, measure_phasors
from scenarios.oscillatory_memory.words import in_words
from scenarios.workbench.errors import UsageError
from scenarios.workbench.head_params import CircuitParams
from scenarios.workbench.outcome import Outcome, RunContext
from scenarios.workbench.params import param
from scenarios.workbench.readers import HEADS, Reader, check_twin, readers_of

__all__ = ["QUESTION", "Params", "run"]

QUESTION = (
    "Oscillators can hold patterns in their phases, and attention is a memory whose patterns are keys and values. "
    "How many patterns does each give back from a damaged cue, as numbers and in spikes, and what does a bit cost "
    "in cells and synapses?"
)


@dataclass(frozen=True, kw_only=True)
class Params(CircuitParams):
    circuit: str = param("brief", "of the gamma head: a parameter set, or package.module:name")
    heads: tuple[str, ...] = param(HEADS, f"of {', '.join(HEADS)}", choices=HEADS)
    oscillators: int = param(300, "oscillators with a second harmonic", at_least=10)
    stored: tuple[int, ...] = param((3, 8), "patterns that they store", at_least=1)
    epsilon: float = param(0.25, "strength of the second harmonic", above=0, at_most=2)
    draws: int = param(20, "sets of patterns of each", at_least=2)
    units: int = param(625, "phasor units", at_least=50)
    active: int = param(25, "of them active in a pattern", at_least=2)
    loads: tuple[int, ...] = param((50, 201, 400, 600, 800, 1200), "patterns of phases stored", at_least=1)
    cues: int = param(100, "damaged cues at each load", at_least=2)
    spiking_cues: int = param(40, "of them, or all, retrieved in spikes by phasor units", at_least=2)
    dim: int = param(32, "of keys, queries and values", at_least=2)
    keys: tuple[int, ...] = param((512, 8192), "patterns that the head stores", at_least=2)
    beta: float = param(20.0, "inverse temperature of unit vectors' products", above=0, at_most=1e4)
    noise: float = param(0.5, "length of the cue's noise over the pattern's", at_least=0, at_most=10)
    spikes: tuple[int, ...] = param((1, 4, 16), "spikes per row", at_least=1)
    cycles: int = param(3, "times that what is read becomes the query", at_least=1)
    clusters: int = param(8, "clusters of similar patterns", at_least=2)
    members: int = param(8, "patterns of a cluster", at_least=2)
    betas: tuple[float, ...] = param(
        (1.0, 3.0, 6.0, 12.0, 25.0, 50.0), "inverse temperatures", above=0, at_most=1e4
    )
    similarities: tuple[float, ...] = param(
        (0.0, 0.3, 0.5, 0.7, 0.85, 0.95), "similarity of a cluster's patterns", at_least=0, at_most=1
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        check_twin(self.heads)
        self.check_ordered("stored", "loads", "keys", "spikes", "betas", "similarities")
        if self.active > self.units // 2:
            raise UsageError(
                f"active must be <= half of units, {self.units // 2}, got {self.active}; use fewer"
            )

    @property
    def readers(self) -> tuple[Reader, ...]:
        """The softmax, spikes and samples."""
        return (("softmax", 0), *readers_of(self.heads, self.spikes))


def run(params: Params, ctx: RunContext) -> Outcome:
    """Measure the three memories, then what the head settles on."""
    with ctx.part("second harmonic", share=0.25) as part:
        harmonics = measure_harmonics(params, part)
    with ctx.part("phasors", share=0.25) as part:
        phasors, spiking = measure_phasors(params, part)
    with ctx.part("gamma head", share=0.35) as part:
        heads = measure_heads(params, part)
    with ctx.part("temperature and similarity", share=0.15) as part:
        settled = measure_map(params, part)
    study = Study(
        params=params, harmonics=harmonics, phasors=phasors, spiking=spiking, heads=heads, map=settled
    )
    metrics = in_numbers(study)
    return Outcome(
        dataset=in_data(study),
        metrics=metrics,
        headline=("phasors", "head", "bits_synapse"),
        pictures=figures(study),
        **in_words(metrics, study),
    )
