"""A broadcast that feeds itself: weak and strong stimuli, all or none, and what remains when they end."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from scipy import stats

from bridge import SpikingScoreMap
from pragmatic.score_maps import ScoreMap, Softmax
from scenarios.workbench.outcome import RunContext
from scenarios.workbench.readers import spiking_map
from spiking import Budget, GammaCircuit, gamma_off

if TYPE_CHECKING:
    from scenarios.workspace import Params

__all__ = ["BIMODAL", "LIT", "Ignited", "Loop", "bimodality", "ignitions", "least_gain", "rest_states"]

ON, OFF = 6, 8  # steps with the stimulus, and after it
LIT = 0.5  # of the broadcast
BIMODAL = 5 / 9  # the coefficient of a uniform distribution
MATCH_ms = 300.0
SETTLED = 1000  # steps after which a loop without noise rests
TWO_STATES, MOST_GAIN = 0.01, 40.0
COLD = 6.0  # times the inverse temperature, of the row without a loop that decides as sharply


@dataclass(frozen=True, kw_only=True)
class Loop:
    """One way to broadcast: what selects, and what it is fed with."""

    score_map: ScoreMap
    gain: float  # scores that a whole broadcast adds to its content
    of_all: bool = False  # fed with the mean broadcast of all trials in place of its own
    beta: float = 1.0


@dataclass(frozen=True, kw_only=True)
class Ignited:
    """The stimulus' part of the broadcast in every trial."""

    contrasts: np.ndarray  # (n_contrasts,)
    share: np.ndarray  # (n_contrasts, ON + OFF, n_trials)

    @property
    def on(self) -> np.ndarray:
        """At the stimulus' last step, (n_contrasts, n_trials)."""
        return self.share[:, ON - 1]

    @property
    def threshold(self) -> int:
        """Index of the contrast that lights up the broadcast in nearest to half of the trials."""
        return int(np.abs((self.on > LIT).mean(axis=1) - 0.5).argmin())

    @property
    def middle(self) -> np.ndarray:
        """Trials that are neither lit nor dark at threshold, (n_trials,) bool."""
        at = self.on[self.threshold]
        return (at > 1 / 3) & (at < 2 / 3)

    @property
    def kept(self) -> np.ndarray:
        """Of the trials that a strong stimulus lit: which still are, at the last step, bool."""
        return self.share[-1, -1][self.on[-1] > LIT] > LIT


def ignitions(params: Params, ctx: RunContext) -> tuple[dict[str, Ignited], dict[float, Ignited]]:
    """Run the loop with its controls, and the loop at each gain."""
    circuit = _loop_map(params, ctx)
    loops = {
        "softmax": Loop(score_map=Softmax(), gain=params.gain),
        "loop": Loop(score_map=circuit, gain=params.gain),
        "cut": Loop(score_map=circuit, gain=0.0),
        "mean": Loop(score_map=circuit, gain=params.gain, of_all=True),
        "cold": Loop(score_map=circuit, gain=0.0, beta=COLD),
    }
    if "sampled" in params.heads:
        twin = spiking_map(params.row_circuit(), ("sampled", params.loop_spikes), ctx)
        loops["sampled"] = Loop(score_map=twin, gain=params.gain)
    row_circuit = params.row_circuit()
    if "spiking" in params.heads and isinstance(row_circuit, GammaCircuit):
        loops["no rhythm"] = Loop(score_map=_without_rhythm(row_circuit, params, ctx), gain=params.gain)
    by_gain = {gain: Loop(score_map=circuit, gain=gain) for gain in params.gains}
    done = []
    for loop in (*loops.values(), *by_gain.values()):
        done.append(_ignited(loop, params, ctx.rng))
        ctx.progress(len(done) / (len(loops) + len(by_gain)))
    return dict(zip(loops, done, strict=False)), dict(zip(by_gain, done[len(loops) :], strict=True))


def _loop_map(params: Params, ctx: RunContext) -> ScoreMap:
    """What closes the loop: the circuit, else what stands in for it."""
    for head in ("spiking", "sampled"):
        if head in params.heads:
            return spiking_map(params.row_circuit(), (head, params.loop_spikes), ctx)
    return Softmax()


def _without_rhythm(circuit: GammaCircuit, params: Params, ctx: RunContext) -> ScoreMap:
    """The same cells with E to I cut, at the drive that gives their rate."""
    rows = np.zeros((16, 1 + params.contents))
    rows[:, -1] = params.rest
    off = gamma_off(circuit, rows, duration_ms=MATCH_ms, rng=ctx.rng, engine=ctx.engine)
    return SpikingScoreMap(
        off.circuit,
        Budget(spikes=params.loop_spikes),
        rng=np.random.default_rng(ctx.rng.integers(2**63)),
        engine=ctx.engine,
        record="counts",
    )


def _ignited(loop: Loop, params: Params, rng: np.random.Generator) -> Ignited:
    """Show stimuli of every contrast, then nothing; each step's broadcast is added to the next one's scores.

    Contents compete with a key of constant score, which is what wins at rest.
    """
    n, contrasts = params.contents, np.array(params.contrasts)
    shown = contrasts[:, None] + rng.normal(0, params.jitter, (len(contrasts), params.loop_trials))
    broadcast = np.zeros((*shown.shape, n))
    steps = []
    for step in range(ON + OFF):
        scores = np.zeros((*shown.shape, n + 1))
        scores[..., :n] = loop.gain * (broadcast.mean(axis=1, keepdims=True) if loop.of_all else broadcast)
        scores[..., 0] += shown if step < ON else 0.0
        scores[..., n] = params.rest
        broadcast = loop.score_map(torch.from_numpy(loop.beta * scores)).numpy()[..., :n]
        steps.append(broadcast[..., 0])
    return Ignited(contrasts=contrasts, share=np.stack(steps, axis=1))


def rest_states(gain: float, rest: float, contents: int) -> tuple[float, float]:
    """Where a loop without noise and stimulus settles, from darkness and from a full broadcast of one content.

    The map is x -> softmax(gain x, rest); both are the same where the loop has one state alone.
    """
    ends, top = [], max(gain, rest)
    for start in (0.0, 1.0):
        x = np.zeros(contents)
        x[0] = start
        for _ in range(SETTLED):
            e = np.exp(gain * x - top)
            x = e / (e.sum() + np.exp(rest - top))
        ends.append(float(x[0]))
    return ends[0], ends[1]


def least_gain(rest: float, contents: int) -> float:
    """Find the lowest gain at which that loop has a second state, to a thousandth; nan if none up to MOST_GAIN."""

    def apart(gain: float) -> bool:
        dark, lit = rest_states(gain, rest, contents)
        return lit - dark > TWO_STATES

    low, high = 0.0, MOST_GAIN
    if not apart(high):
        return float("nan")
    while high - low > 1e-3:
        middle = (low + high) / 2
        low, high = (low, middle) if apart(middle) else (middle, high)
    return high


def bimodality(values: np.ndarray) -> float:
    """Compute (skewness^2 + 1) / (kurtosis + 3 (n - 1)^2 / ((n - 2) (n - 3))), nan of a constant.

    Above 5/9, that of a uniform distribution, it speaks for two modes, and for skew as well (Pfister et al. 2013,
    Front. Psychol. 4:700).
    """
    n = len(values)
    if n < 4 or np.ptp(values) < 1e-6:
        return float("nan")
    skew, kurtosis = stats.skew(values, bias=False), stats.kurtosis(values, bias=False)
    return float((skew**2 + 1) / (kurtosis + 3 * (n - 1) ** 2 / ((n - 2) * (n - 3))))
