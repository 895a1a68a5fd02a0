"""
Bring your own circuit
======================

A circuit written here as Brian2 objects becomes an attention head: its selection is fitted and compared with
softmax, calibrated, put into a transformer, and its operations are counted. The question: what does recurrent
excitation within each key's population do to the selection?
"""

from dataclasses import dataclass, replace

import brian2 as b2
import numpy as np
import torch
from brian2 import ms
from matplotlib.figure import Figure

import fortyhertz as fh

# %%
# One row of the circuit. Escape-rate cells of a key excite each other; one inhibitory pool, driven by all of them,
# inhibits all of them. ``Wiring`` says where scores go in, which spikes count, and how a row begins.

CELL = """
    dv/dt = (drive + u + ampa - gaba - v) / (10*ms) : 1
    dampa/dt = -ampa / (5*ms) : 1
    dgaba/dt = -gaba / (8*ms) : 1
    dh/dt = exp(v - 10) / ms : 1
    q : 1
    u : 1 (constant)
"""


@dataclass(frozen=True, kw_only=True)
class SelfExcitation(fh.RowCircuit):
    """Cells that excite their own population, and ten inhibitory cells."""

    n_cells: int = 10  # per key
    drive: float = 12.0  # in scores
    recurrent: float = 0.0  # what a spike adds to the input of its own population, in scores
    temperature: float = 1.0
    gain: float = 1.0

    def build(self, row: fh.Row) -> fh.Wiring:
        every, delayed = {"method": "euler", "dt": 0.1 * ms}, {"delay": 1 * ms, "dt": 0.1 * ms}
        exc = b2.NeuronGroup(
            row.n_keys * self.n_cells,
            CELL,
            threshold="h > q",
            reset="v -= 1; h = 0; q = -log(rand())",
            name="exc",
            **every,
        )
        inh = b2.NeuronGroup(
            10,
            "dv/dt = -v / (2*ms) : 1 (unless refractory)",
            threshold="v > 4",
            reset="v = 0",
            refractory=3 * ms,
            name="inh",
            **every,
        )
        excite = b2.Synapses(exc, inh, on_pre="v_post += 1", name="excite", **delayed)
        inhibit = b2.Synapses(inh, exc, on_pre="gaba_post += 1", name="inhibit", **delayed)
        among = b2.Synapses(exc, exc, on_pre="ampa_post += recurrent", name="among", **delayed)
        excite.connect()
        inhibit.connect()
        among.connect(condition=f"i // {self.n_cells} == j // {self.n_cells}")  # within a key
        return fh.Wiring(
            [exc, inh, excite, inhibit, among],
            scores="exc.u",
            counts="exc",
            field="exc.gaba",
            namespace={"drive": self.drive, "recurrent": self.recurrent},
            start={"exc.v": "5 * rand()", "exc.q": "-log(rand())"},
            settle_ms=100,
        )


# %%
# The same rows at four strengths. Without recurrent excitation beta is below 1: a population that has just spiked
# is depleted. Recurrent excitation acts against depletion, makes up for it, and then sharpens the selection beyond
# the softmax that was asked for.

scores = np.random.default_rng(0).normal(0, 1.5, (64, 8))  # (rows, keys)
strengths = (0.0, 0.1, 0.2, 0.3)
fits = []
for strength in strengths:
    circuit = SelfExcitation(recurrent=strength)
    selection = circuit.attend(scores, duration_ms=1000, rng=np.random.default_rng(1))
    fits.append(fh.fit_softmax(selection.counts, scores))
    print(
        f"recurrent {strength}: beta {fits[-1].beta:.3f} ± {fits[-1].beta_se_quasi:.3f}, "
        f"gamma {np.nanmean(selection.f_gamma_Hz):.1f} Hz"
    )

# %%
# Which law, and how far from the softmax? Every distance comes with its sampling floor.

circuit = SelfExcitation(recurrent=0.2)
rng = np.random.default_rng(2)
selection = circuit.attend(scores, duration_ms=1000, rng=rng)
print(fh.fit(selection.counts, scores), end="\n\n")
print(fh.compare_scores(scores, circuit, duration_ms=1000, rng=rng))

# %%
# The reference engine runs the same objects.

reference = circuit.attend(scores[:8], duration_ms=300, rng=rng, engine=fh.Brian2())
fused = circuit.attend(scores[:8], duration_ms=300, rng=rng)
print(f"spikes per row: Brian2 {reference.counts.sum(1).mean():.0f}, fused {fused.counts.sum(1).mean():.0f}")

# %%
# Calibrated at 64 spikes a row, it attends in a transformer, and its operations are counted.

calibration = fh.calibrate(replace(circuit, gain=1.0), rng=rng, budget=fh.Budget(spikes=64))
print(f"gain {calibration.gain:.3f} ± {calibration.gain_se:.3f}")
model = fh.Transformer(fh.TransformerParams(n_vocab=65), rng)
tokens = torch.arange(32)[None]
head = fh.SpikingHead(calibration.circuit, spikes=64)
with torch.no_grad(), fh.swap(model, heads="all", head=head), fh.count(model) as counter:
    logits = model(tokens)
print(f"{head.usage.rows} rows, {head.usage.silent_rows} silent")
print({name: f"{counts.macs:,}" for name, counts in counter.bill().parts().items()})

# %%
# Beta against the strength of recurrent excitation.

figure = Figure(figsize=(5, 3), layout="constrained")
axes = figure.subplots()
axes.errorbar(strengths, [f.beta for f in fits], yerr=[f.beta_se_quasi for f in fits], fmt="o-")
axes.axhline(1.0, lw=0.8, color="0.5")
axes.set(xlabel="recurrent excitation (scores per spike)", ylabel=r"fitted $\beta \times$ temperature")
figure.savefig("own_circuit.png", dpi=160)
figures = {"Fitted beta against recurrent excitation, ± standard error.": "own_circuit.png"}
