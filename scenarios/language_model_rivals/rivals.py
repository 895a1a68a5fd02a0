"""The rivals by name, what each may spend, and the heads that put it into every layer."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bridge import SpikingHead
from bridge.heads.named import circuit_named
from pragmatic import Hardmax, Head, ScoreMap, Sparsemax, TopK, Uniform, dot_product_head
from pragmatic.oscillators import OscillatorHead
from pragmatic.quantised import FewBits, WholeCounts
from scenarios.language_model_rivals.fitting import (
    Layer,
    Totals,
    couplings,
    diffusive,
    keys_read,
    rows_of,
    time_of,
    watched,
)
from scenarios.language_model_rivals.undivided import UndividedHead
from scenarios.workbench.errors import UsageError
from scenarios.workbench.outcome import RunContext
from scenarios.workbench.rate_controls import rate_controls
from scenarios.workbench.reading import Trial
from spiking import GammaCircuit, GammaParams, RowCircuit

if TYPE_CHECKING:
    from scenarios.language_model_rivals import Params

__all__ = ["CONTROLS", "DRAWN", "MAIN", "RIVALS", "SOFTMAX", "SUMMED", "Plan", "Rival", "plan_of"]

SOFTMAX, MAIN = "softmax", "regular"
MATCH_ms = 200.0  # in which controls are brought to the loop's rate
Makers = Mapping[str, Callable[[int], Head]]  # which heads -> what makes one of a seed


@dataclass(frozen=True, kw_only=True)
class Rival:
    """A kind of attention as the report speaks of it; N stands for the budget, B for bits, M for keys."""

    label: str
    spends: str  # what it may spend on a row
    noisy: bool = True  # whether two seeds differ


_SPIKES = "N spikes, then the row ends"
_TIME = "time in which the loop has N spikes on average"
RIVALS: Mapping[str, Rival] = {
    "regular": Rival(label="gamma circuit", spends=_SPIKES),
    "random": Rival(label="gamma, random cells", spends=_SPIKES),
    "diffusive": Rival(label="gamma, diffusive cells", spends=_SPIKES),
    "off": Rival(label="loop cut, rate kept", spends=_SPIKES),
    "slow": Rival(label="slow loop, no gamma", spends=_SPIKES),
    "samples": Rival(label="samples of softmax", spends="N independent samples"),
    "counts": Rival(
        label="softmax as counts", spends="the bits of N spikes: whole counts of sum N", noisy=False
    ),
    "bits": Rival(
        label="softmax in B bits", spends="B bits for each key, no fewer than N spikes have", noisy=False
    ),
    "top_k": Rival(label="top N keys", spends="N keys read, their weights exact", noisy=False),
    "oscillators": Rival(
        label="oscillators", spends="a phase for each pair of components, all keys, exact", noisy=False
    ),
    "sparsemax": Rival(label="sparsemax", spends="any number of keys, their weights exact", noisy=False),
    "hardmax": Rival(label="hardmax", spends="one key", noisy=False),
    "uniform": Rival(label="uniform", spends="all keys, no scores", noisy=False),
    "summed": Rival(label="gamma, values summed", spends=_TIME),
    "summed_off": Rival(label="loop cut, values summed", spends=_TIME),
    "summed_slow": Rival(label="slow loop, values summed", spends=_TIME),
    "top_read": Rival(
        label="top M keys", spends="as many keys as the circuit reads, their weights exact", noisy=False
    ),
}
SUMMED = ("summed", "summed_off", "summed_slow")  # the loop and its controls, read without division
SLOW = ("diffusive", *SUMMED)  # that take several times as long
CONTROLS = ("off", "slow")
# those to which N matters
DRAWN = ("regular", "random", "diffusive", "off", "slow", "samples", "counts", "bits", "top_k", "top_read")


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What is to be tried, and what the circuits do that values are summed with."""

    trials: Mapping[str, list[Trial]]  # softmax and each rival -> one for each seed
    totals: Mapping[str, Totals]
    n_read: int  # keys of a row that the circuit reads, for the rival that reads as many


def plan_of(params: Params, layers: Sequence[Layer], ctx: RunContext) -> Plan:
    """Fit what is to be fitted, and plan the trials."""
    makers = _Makers(params, layers, ctx)
    trials = {SOFTMAX: [Trial(label=SOFTMAX)]}
    for name in params.rivals:
        heads, rival = makers.of(name), RIVALS[name]
        windows = params.slow_windows if name in SLOW else None
        seeds = range(params.seeds if rival.noisy else 1)
        trials[name] = [Trial(label=f"{name}, {seed}", heads=heads, windows=windows) for seed in seeds]
    return Plan(trials=trials, totals=makers.totals, n_read=makers.n_read)


class _Makers:
    """Makes the heads of every rival; what several of them need is fitted once."""

    def __init__(self, params: Params, layers: Sequence[Layer], ctx: RunContext) -> None:
        self.params, self.layers, self.ctx = params, layers, ctx
        self.circuit = circuit_named(params.circuit, temperature=1.0, n_cells=None)
        self.random = circuit_named(params.random, temperature=1.0, n_cells=None, option="random")
        self.rows = rows_of(layers, params.fit_rows, ctx.rng)
        self.n_read = keys_read(self.circuit, self.rows, params.spikes, ctx)
        self.totals: dict[str, Totals] = {}
        self._summed: dict[str, Makers] = {}
        self._controls: dict[str, GammaCircuit] = {}

    def of(self, name: str) -> Makers:
        """Which heads become what."""
        params, n = self.params, self.params.spikes
        if name in SUMMED:
            self._summed = self._summed or self._all_summed()
            return self._summed[name]
        if name in CONTROLS:
            self._controls = self._controls or self._rate_controls()
            return {"all": self._spiking(self._controls[name])}
        if name == "oscillators":
            return {
                f"{layer}.*": _always(OscillatorHead(coupling))
                for layer, coupling in enumerate(couplings(self.layers, self.ctx))
            }
        if name in ("regular", "random", "samples"):
            mode = "sampled" if name == "samples" else "simulated"
            return {"all": self._spiking(self.random if name == "random" else self.circuit, mode)}
        if name == "diffusive":
            return {"all": self._spiking(diffusive(self.rows, n, self.ctx))}
        maps: dict[str, ScoreMap] = {
            "counts": WholeCounts(total=n),
            "bits": FewBits(bits=params.bits),
            "top_k": TopK(k=n),
            "top_read": TopK(k=self.n_read),
            "sparsemax": Sparsemax(),
            "hardmax": Hardmax(),
            "uniform": Uniform(),
        }
        return {"all": _always(dot_product_head(maps[name]))}

    def _spiking(self, circuit: RowCircuit, mode: str = "simulated") -> Callable[[int], Head]:
        def make(seed: int) -> Head:
            return SpikingHead(
                circuit,
                spikes=self.params.spikes,
                mode=mode,
                engine=self.ctx.engine,
                seed=seed,
                gradient=False,
            )

        return make

    def _rate_controls(self) -> dict[str, GammaCircuit]:
        if not isinstance(self.circuit, GammaCircuit):
            raise UsageError(
                f"circuit must be a gamma circuit, whose loop can be cut, got {self.params.circuit}; leave off and "
                "slow out of rivals"
            )
        found = rate_controls(
            self.circuit, self.rows.scores, self.ctx, duration_ms=MATCH_ms, mask=self.rows.mask
        )
        return {"off": found.matched.circuit, "slow": found.slow}

    def _all_summed(self) -> dict[str, Makers]:
        """The circuit that keeps a rhythm for long, at the time that the budget takes it, and its controls."""
        loop = GammaCircuit(GammaParams.regular())
        duration_ms = time_of(loop, self.rows, self.params.spikes, self.ctx)
        found = rate_controls(loop, self.rows.scores, self.ctx, duration_ms=duration_ms, mask=self.rows.mask)
        circuits = dict(zip(SUMMED, (loop, found.matched.circuit, found.slow), strict=True))
        self.totals = {
            name: watched(circuit, self.rows, duration_ms, self.ctx) for name, circuit in circuits.items()
        }
        return {
            name: {"all": self._undivided(circuit, self.totals[name])} for name, circuit in circuits.items()
        }

    def _undivided(self, circuit: GammaCircuit, totals: Totals) -> Callable[[int], Head]:
        def make(seed: int) -> Head:
            return UndividedHead(
                circuit,
                duration_ms=totals.duration_ms,
                usual=totals.usual,
                engine=self.ctx.engine,
                seed=seed,
            )

        return make


def _always(head: Head) -> Callable[[int], Head]:
    """For heads without noise."""
    return lambda seed: head
