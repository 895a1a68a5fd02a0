"""Scenario universal-machine: a looped transformer runs programs, and spikes decide for how long."""

from __future__ import annotations

from dataclasses import dataclass, replace

from bridge import SpikingScoreMap
from pragmatic.machines.looped import LoopedTransformer
from pragmatic.machines.subleq import SubleqError, SubleqState, addition, multiplication, states
from pragmatic.score_maps import ScoreMap, Softmax
from scenarios.universal_machine.figures import lengths, trace
from scenarios.universal_machine.measures import Study, in_data, in_numbers, in_words
from scenarios.universal_machine.runs import Reads, Run, error_a_step, follow
from scenarios.workbench.errors import UsageError
from scenarios.workbench.outcome import Outcome, RunContext
from scenarios.workbench.panels import pictures
from scenarios.workbench.params import param
from scenarios.workbench.sources import SOURCES, SourceParams

__all__ = ["QUESTION", "Params", "run"]

QUESTION = (
    "A transformer with constructed weights is a universal computer: applied again and again, it runs any "
    "program. "
    "How long can a program be before it goes wrong, when every read and write of its memory is done by "
    "spikes?"
)
HEADS = ("softmax", "spiking", "sampled")


@dataclass(frozen=True, kw_only=True)
class Params(SourceParams):
    first: int = param(6, "first factor of the program that is run", at_least=0, at_most=100)
    second: int = param(7, "second factor", at_least=1, at_most=100)
    program: str = param("multiply", "multiply, add, or your own cells of SUBLEQ with commas: 0,0,-1")
    limit: int = param(1000, "steps after which a program must have halted", at_least=100, at_most=10_000)
    address_bits: int = param(6, "bits of an address", at_least=6, at_most=10)
    value_bits: int = param(12, "bits of a number, its sign among them", at_least=11, at_most=24)
    beta: float = param(1.5, "sharpness of each comparison of a bit", at_least=0.5, at_most=20)
    heads: str = param("spiking", "who runs the program that is drawn", choices=HEADS)
    spikes: tuple[int, ...] = param((3, 7, 11, 15, 19), "spikes of a read, rising", at_least=1, at_most=1024)
    n_steps: int = param(280, "single steps for each rate of errors", at_least=10)
    machines: int = param(8, "machines that run the program with each number of spikes", at_least=2)

    def __post_init__(self) -> None:
        super().__post_init__()
        self.check_ordered("spikes")
        self.trace()

    def cells(self) -> tuple[int, ...]:
        """The memory at the start."""
        if self.program == "multiply":
            return multiplication(self.first, self.second)
        if self.program == "add":
            return addition(self.first, self.second)
        try:
            return tuple(int(cell) for cell in self.program.split(","))
        except ValueError:
            raise UsageError(
                f"program must be multiply, add, or whole numbers with commas, got {self.program!r}; use for "
                f"example "
                "0,0,-1"
            ) from None

    def machine(self, *, beta: float | None = None, clean_up: bool = True) -> LoopedTransformer:
        """The transformer."""
        return LoopedTransformer(
            address_bits=self.address_bits,
            value_bits=self.value_bits,
            beta=self.beta if beta is None else beta,
            clean_up=clean_up,
        )

    def trace(self) -> list[SubleqState]:
        """What the interpreter does, step by step, with the memory filled up as the machine's is."""
        try:
            self.machine().load([self.cells()])  # refuses what does not fit
            padded = (*self.cells(), *(0,) * (2**self.address_bits - len(self.cells())))
            return list(states(padded, limit=self.limit, value_bits=self.value_bits))
        except SubleqError as error:
            raise UsageError(f"program: {error}") from error


def run(params: Params, ctx: RunContext) -> Outcome:
    """Run the program exactly, then measure errors a step and whole runs against spikes."""
    wanted, machine = params.trace(), params.machine()
    exact = follow(params.machine(), wanted, Softmax(), n_machines=1)
    reads: dict[str, list[Reads]] = {name: [] for name in SOURCES}
    runs: dict[str, list[Run]] = {name: [] for name in (*SOURCES, "uncleaned")}

    def spiking(source: str, n_spikes: int) -> SpikingScoreMap:
        return params.source_map(source, n_spikes, ctx)

    for n in params.spikes:
        for name in SOURCES:
            with ctx.progress.stage(f"{n} spikes, {name}", share=0.3 / len(params.spikes)):
                reads[name].append(error_a_step(machine, wanted, spiking(name, n), params.n_steps, ctx.rng))
                runs[name].append(follow(machine, wanted, spiking(name, n), n_machines=params.machines))
        with ctx.progress.stage(f"{n} spikes, no clean-up", share=0.1 / len(params.spikes)):
            bare = replace(machine, clean_up=False)
            runs["uncleaned"].append(follow(bare, wanted, spiking("circuit", n), n_machines=params.machines))
    most = params.spikes[-1]
    drawn: ScoreMap = Softmax() if params.heads == "softmax" else spiking(_SOURCES[params.heads], most)
    study = Study(
        wanted=wanted,
        exact=exact,
        drawn=follow(machine, wanted, drawn, n_machines=1),
        reads=reads,
        runs=runs,
        params=params,
    )
    metrics = in_numbers(study)
    return Outcome(
        dataset=in_data(study),
        metrics=metrics,
        headline=("steps", "nats", "length"),
        pictures=pictures(study, trace, lengths, most=most, heads=params.heads),
        **in_words(metrics, study),
    )


_SOURCES = {"spiking": "circuit", "sampled": "sampled"}
