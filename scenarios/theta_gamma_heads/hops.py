"""Two hops along a chain of keys and values in one theta cycle: what slot 1 reads is the query of slot 2."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from scipy import special

from bridge.laws.mixing import fit_mixture
from scenarios.workbench.outcome import RunContext
from scenarios.workbench.statistics import Estimate, mean
from spiking import EscapeRate, GammaParams
from spiking.circuits.hops import Hops, two_slots
from spiking.circuits.slots import SlottedCircuit

if TYPE_CHECKING:
    from scenarios.theta_gamma_heads import Params

__all__ = ["CIRCUITS", "CONTROLS", "Hopped", "Retrieval", "credit", "make_chains", "measure_hops"]

DIM = 16
SHARPNESS = 5.0  # score of a key that equals the query
NOISE = 0.5  # length of what is added to the first query, a unit vector
DEEPER = (3, 4)  # slots of longer theta cycles
HALVINGS = 7
DRAWS = 40  # of samples


def _of(**changes: object) -> GammaParams:
    settings: dict[str, object] = {"gain": 1.0, "tau_gaba_ms": 5.0, **changes}
    return GammaParams.brief(**settings)


CIRCUITS: Mapping[str, SlottedCircuit] = {
    "base": two_slots(),
    "slots of 20 ms": replace(two_slots(), slot_ms=20.0, open_ms=15.0),
    "slots of 30 ms": replace(two_slots(), slot_ms=30.0),
    "slots of 40 ms": replace(two_slots(), slot_ms=40.0),
    "membranes of 5 ms": replace(two_slots(), params=_of(cell=EscapeRate(reset_by=0.25, tau_ms=5.0))),
    "membranes of 20 ms": replace(two_slots(), params=_of(cell=EscapeRate(reset_by=0.25, tau_ms=20.0))),
    "GABA of 8 ms": replace(two_slots(), params=_of(tau_gaba_ms=8.0)),
}
CONTROLS = {
    "softmax": "a softmax of the same temperature",
    "samples": "as many samples of it, without a leak",
    "off": "the circuit without E to I, at about as many spikes",
    "one_hop": "the first hop alone",
    "strangers": "values of another row's chain",
}


@dataclass(frozen=True, kw_only=True)
class Chains:
    """Items whose values are the keys of the next ones, in a ring; each row starts at one of them."""

    first: np.ndarray  # (n_rows, n_keys) scores of a noisy query
    onward: np.ndarray  # (n_rows, n_keys, n_keys) scores that each value, as a query, gives each key
    right: np.ndarray  # (n_hops, n_rows) the key that each hop should read


@dataclass(frozen=True, kw_only=True)
class Retrieval:
    """One circuit on the chains."""

    by_slot: tuple[Estimate, ...]  # accuracy
    coefficients: tuple[
        float, float, float
    ]  # of the first scores in slot 1; of those handed on, and again, in 2
    leak: Estimate  # the last coefficient over the one before
    spikes: float  # of a slot
    spread: float  # standard deviation of a slot's spikes over their mean

    @property
    def accuracy(self) -> Estimate:
        """Of the last slot."""
        return self.by_slot[-1]


@dataclass(frozen=True, kw_only=True)
class Hopped:
    """Two hops, in circuits and controls."""

    circuits: Mapping[str, Retrieval]
    predicted: Mapping[str, Estimate]  # of samples with a circuit's spikes, temperature and leak
    controls: Mapping[str, Estimate]
    by_cycles: Mapping[int, Estimate]  # theta cycles, over whose spikes it is read
    by_hops: Mapping[int, Retrieval]  # slots of a theta cycle
    cost: Estimate  # accuracy that the leak takes from as many samples, on the same chains


def make_chains(
    n_rows: int, n_keys: int, rng: np.random.Generator, *, n_hops: int = 2, strangers: bool = False
) -> Chains:
    """Draw unit keys and rings; with `strangers` the values handed on are those of another row's ring."""
    keys = rng.standard_normal((n_rows, n_keys, DIM))
    keys /= np.linalg.norm(keys, axis=2, keepdims=True)
    ring = rng.random((n_rows, n_keys)).argsort(axis=1)
    after = np.empty_like(ring)
    np.put_along_axis(after, ring, np.roll(ring, -1, axis=1), axis=1)
    values = np.take_along_axis(keys, after[:, :, None], axis=1)
    right = [ring[:, 0]]
    for _ in range(n_hops - 1):
        right.append(after[np.arange(n_rows), right[-1]])
    query = keys[np.arange(n_rows), right[0]] + NOISE * rng.standard_normal((n_rows, DIM)) / np.sqrt(DIM)
    sent = np.roll(values, 1, axis=0) if strangers else values
    return Chains(
        first=SHARPNESS * np.einsum("rkd,rd->rk", keys, query),
        onward=SHARPNESS * np.einsum("rid,rjd->rij", sent, keys),
        right=np.array(right),
    )


def credit(counts: np.ndarray, right: np.ndarray) -> np.ndarray:
    """1 where the right key has most, its part of 1 where it shares the lead, (n_rows,)."""
    lead = counts == counts.max(axis=1, keepdims=True)
    return lead[np.arange(len(right)), right] / lead.sum(axis=1)


def measure_hops(params: Params, ctx: RunContext) -> Hopped | None:
    """Retrieve along chains with every circuit and control; None where no chains are asked for."""
    if params.n_chains == 0:
        return None
    n = params.n_chains, params.n_items
    (rng,) = ctx.rng.spawn(1)  # the same chains whether MiniLM has read or not
    chains, strange = make_chains(*n, rng), make_chains(*n, rng, strangers=True)
    circuits, counts = {}, {}
    for number, (name, circuit) in enumerate(CIRCUITS.items()):
        circuits[name], counts[name] = _retrieve(circuit, chains, rng)
        ctx.progress((number + 1) / (len(CIRCUITS) + 5), name)
    base, slots = circuits["base"], CIRCUITS["base"]
    sampled = {name: _samples(chains, each, rng) for name, each in circuits.items()}
    unleaked = _samples(chains, base, rng, leaking=False)
    controls = {
        "softmax": _softmax(chains, base),
        "samples": mean(unleaked),
        "off": _retrieve(_without_loop(slots, base.spikes, chains, rng), chains, rng)[0].accuracy,
        "one_hop": mean(credit(counts["base"][:, 0], chains.right[1])),
        "strangers": _retrieve(slots, strange, rng)[0].accuracy,
    }
    more = {n: _retrieve(slots, chains, rng, n)[0].accuracy for n in params.cycles if n > 1}
    deeper = {
        hops: _retrieve(replace(slots, n_slots=hops), make_chains(*n, rng, n_hops=hops), rng)[0]
        for hops in DEEPER
    }
    return Hopped(
        circuits=circuits,
        predicted={name: mean(rows) for name, rows in sampled.items()},
        controls=controls,
        by_cycles={1: base.accuracy, **more},
        by_hops={2: base, **deeper},
        cost=mean(unleaked - sampled["base"]),
    )


def _retrieve(
    slotted: SlottedCircuit, chains: Chains, rng: np.random.Generator, cycles: int = 1
) -> tuple[Retrieval, np.ndarray]:
    hops = Hops(slotted=slotted)
    counts = hops.attend(chains.first, chains.onward, rng=rng, periods=cycles).counts
    alone = fit_mixture(counts[:, 0], chains.first[None]).coefficients[0]
    handed = _handed(counts[:, 0] / cycles, chains)
    fitted = fit_mixture(counts[:, 1], np.stack([handed, chains.first]))
    (own, heard), errors = fitted.coefficients, fitted.errors
    total = counts.sum(axis=2) / cycles
    retrieval = Retrieval(
        by_slot=tuple(mean(credit(counts[:, h], right)) for h, right in enumerate(chains.right)),
        coefficients=(float(alone), float(own), float(heard)),
        leak=Estimate(value=heard / own, error=float(np.hypot(errors[1], heard / own * errors[0]) / own)),
        spikes=float(total.mean()),
        spread=float(total.std() / total.mean()),
    )
    return retrieval, counts


def _handed(counts: np.ndarray, chains: Chains) -> np.ndarray:
    """Scores that the spikes of one slot hand on, (n_rows, n_keys)."""
    return np.einsum("ri,rij->rj", counts / Hops().spikes, chains.onward)


def _softmax(chains: Chains, base: Retrieval) -> Estimate:
    """Two hops with weights in place of spikes."""
    alone, own, _ = base.coefficients
    weights = special.softmax(alone * chains.first, axis=1)
    return mean(credit(own * np.einsum("ri,rij->rj", weights, chains.onward), chains.right[1]))


def _samples(
    chains: Chains, circuit: Retrieval, rng: np.random.Generator, *, leaking: bool = True
) -> np.ndarray:
    """Accuracy of two hops with samples of a circuit's number, temperature and, if `leaking`, leak, (n_rows,)."""
    alone, own, heard = circuit.coefficients
    n = round(circuit.spikes)
    right = []
    for _ in range(DRAWS):
        first = rng.multinomial(n, special.softmax(alone * chains.first, axis=1))
        scores = own * _handed(first, chains) + heard * leaking * chains.first
        right.append(credit(rng.multinomial(n, special.softmax(scores, axis=1)), chains.right[1]))
    return np.mean(right, axis=0)


def _without_loop(
    slotted: SlottedCircuit, spikes: float, chains: Chains, rng: np.random.Generator
) -> SlottedCircuit:
    """The circuit without E to I, its drive lowered until a slot has as many spikes, to a few per cent."""
    params = slotted.params
    high = params.cell.drive
    low = high - params.cell.theta
    for _ in range(HALVINGS):
        cut = replace(params, w_ei=0.0, cell=params.cell.with_drive((low + high) / 2))
        circuit = replace(slotted, params=cut)
        counts = Hops(slotted=circuit).attend(chains.first, chains.onward, rng=rng).counts
        more = counts.sum(axis=2).mean() > spikes
        low, high = (low, cut.cell.drive) if more else (cut.cell.drive, high)
    return circuit
