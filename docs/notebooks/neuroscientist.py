# ---
# jupytext:
#   text_representation:
#     extension: .py
#     format_name: percent
# kernelspec:
#   display_name: Python 3
#   language: python
#   name: python3
# ---

# %% [markdown]
# # A neuroscientist's hour
#
# You know gamma, E and I cells, and controls. This notebook takes the circuit apart as you would a preparation:
# raster and field, a test of the rhythm, a lesion, a control of equal rate, a knob that should move the peak,
# and the locking of spikes. Then it asks what transformer people ask: whom does it select?
#
# One row is one competition: 40 E cells for each of eight stimuli and ten I cells that all share. Parameters
# and their sources are in {doc}`/model`.

# %%
# %matplotlib inline
import matplotlib.pyplot as plt
import numpy as np
from scipy.special import softmax

import fortyhertz as fh
from scenarios.workbench.rasters import draw_row
from scenarios.workbench.style import CONTROL, FLOOR, SOFTMAX, SPIKING, style
from spiking.measures.rhythm import cycles, gamma_peak, power_spectrum, spike_phases
from spiking.measures.synchrony import ppc

drives = np.linspace(0.0, 3.5, 8)  # of the stimuli, in units of the membrane's noise
rows = np.random.default_rng(0).permuted(np.tile(drives, (24, 1)), axis=1)  # 24 competitions
circuit = fh.GammaCircuit()
loop = circuit.attend(rows, duration_ms=1000, rng=np.random.default_rng(1), record="all")

# %% [markdown]
# ## Raster and field
#
# Stimuli from weak to strong, I cells in the band below. The field is the excitatory synaptic trace that the I
# cells see.

# %%
with style():
    figure, (above, below) = plt.subplots(2, 1, figsize=(6.5, 4.5), sharex=True, height_ratios=(4, 1))
    order = np.argsort(rows[0])
    draw_row(above, below, loop, 0, order=order, labels=[f"{u:.1f}" for u in rows[0][order]], window_ms=300)
    below.set_xlabel("time (ms)")

# %% [markdown]
# ## Is there a rhythm?
#
# A peak in a spectrum is not a rhythm: independent cells have peaks, too. `gamma_peak` tests the highest peak
# in 30–80 Hz against cells that fire independently at their own rates, corrected for the search over the band
# ({doc}`/measures`).

# %%
peak = gamma_peak(loop.spikes)
print(f"{peak.significant.sum()} of {len(rows)} rows have a significant peak")
print(
    f"at {np.nanmean(peak.f_gamma_Hz):.1f} Hz, {np.nanmedian(peak.ratio):.0f} times the power of independent cells"
)

# %% [markdown]
# ## A lesion, and a control at the same rate
#
# Cut the synapses from E to I. The rhythm goes, and the rate explodes, so that the lesion alone shows little.
# The second control lowers the drive until the mean rate is that with the loop.

# %%
matched = fh.gamma_off(circuit, rows, duration_ms=300, rng=np.random.default_rng(2)).circuit
off = matched.attend(rows, duration_ms=1000, rng=np.random.default_rng(3))
cut = fh.cut_loop(circuit).attend(rows[:6], duration_ms=300, rng=np.random.default_rng(4))
for name, run in {"loop": loop, "E to I cut": cut, "rate-matched control": off}.items():
    rate_Hz = (run.n_spikes / run.row_ms * 1e3).mean()
    print(
        f"{name}: {rate_Hz:,.0f} spikes/s a row, rhythm in {np.isfinite(run.f_gamma_Hz).mean():.0%} of rows"
    )

with style():
    figure, ax = plt.subplots(figsize=(5.5, 3.2))
    for name, run, colour in (("loop", loop, SPIKING), ("rate-matched control", off, CONTROL)):
        counts = run.spikes.binned(1.0)
        spectrum = power_spectrum(counts, 1.0)
        poisson = 2e-3 * counts.mean(axis=1, keepdims=True)  # one-sided, of as many independent spikes
        ax.semilogy(spectrum.frequency_Hz, (spectrum.power / poisson).mean(axis=0), color=colour, label=name)
    ax.axhline(1, color=FLOOR, ls="--")
    ax.set(xlim=(4, 120), xlabel="frequency (Hz)", ylabel="power / Poisson")
    ax.legend()

# %% [markdown]
# ## The decay of inhibition sets the period
#
# The next volley comes when inhibition has decayed. So a slower GABA should slow the rhythm, as in slices under
# barbiturates (Whittington, Traub and Jefferys 1995).

# %%
taus_ms = np.array([5.0, 6.5, 8.0, 10.0, 12.0])
peaks = []
for tau_ms in taus_ms:
    slower = fh.GammaCircuit(fh.GammaParams(tau_gaba_ms=tau_ms, gain=1.0))
    run = slower.attend(rows, duration_ms=1000, rng=np.random.default_rng(5))
    peaks.append(run.f_gamma_Hz)
peaks = np.array(peaks)  # (5, 24)
slope = np.polyfit(np.repeat(taus_ms, 24)[np.isfinite(peaks.ravel())], peaks[np.isfinite(peaks)], 1)[0]
print(f"{slope:.2f} Hz for each millisecond of tau_GABA")
assert slope < 0

# %% [markdown]
# ## Do spikes lock to the field?
#
# Pairwise phase consistency (Vinck et al. 2010) does not depend on the number of spikes. It is above 0 even in
# the control, because the field is made by the same spikes; compare the two.

# %%
locked = {}
for name, run in {"loop": loop, "rate-matched control": off}.items():
    rhythm = cycles(run.field, run.field_dt_ms, np.full(len(rows), np.nanmean(loop.f_gamma_Hz)))
    locked[name] = ppc(spike_phases(run.spikes, rhythm, run.field_dt_ms), run.spikes.row, len(rows))
    error = locked[name].std(ddof=1) / np.sqrt(len(rows))
    print(f"{name}: PPC {locked[name].mean():.3f} ± {error:.3f}")

# %% [markdown]
# ## Whom does it select?
#
# A transformer gives each stimulus the weight $e^{u_j} / \sum_k e^{u_k}$ of its drive $u_j$. The share of
# spikes follows the same law, with the loop and without: selection comes from the exponential escape rate of
# the cells, not from the rhythm.

# %%
with style():
    figure, ax = plt.subplots(figsize=(5, 3.2))
    ax.semilogy(drives, softmax(drives), color=SOFTMAX, label="softmax")
    for name, run, look in (("loop", loop, "o"), ("rate-matched control", off, "^")):
        share = np.take_along_axis(run.weights, np.argsort(rows, axis=1), axis=1).mean(axis=0)
        ax.semilogy(drives, share, look, color=SPIKING if name == "loop" else CONTROL, label=name)
    ax.set(xlabel="drive (units of noise)", ylabel="share of spikes")
    ax.legend()

law = fh.fit_softmax(loop.counts, rows)
print(f"beta times temperature of the fitted softmax {law.beta:.3f} ± {law.beta_se_quasi:.3f}")

# %% [markdown]
# What the loop does hold is the number of spikes, so that a downstream cell that only adds reads a mean.
# Compare the spread of totals over rows of different drive, without the feedforward inhibition that holds them,
# too:

# %%
uneven = np.random.default_rng(6).normal(0, 1.5, (24, 8))
alone = fh.GammaCircuit(fh.GammaParams(feedforward="none", gain=1.0))
without = fh.gamma_off(alone, uneven, duration_ms=300, rng=np.random.default_rng(7)).circuit
for name, one in {"loop": alone, "rate-matched control": without}.items():
    total = one.attend(uneven, duration_ms=1000, rng=np.random.default_rng(8)).n_spikes
    print(f"{name}: {total.mean():.0f} spikes a row, standard deviation over rows {total.std():.0f}")

# %% [markdown]
# ## Your own preparation
#
# - **Your circuit.** One row as Brian2 objects, {doc}`/extend/circuit`.
# - **Your recording.** `fortyhertz rhythm FILE.nwb` applies the same tests to it.
# - **Your tools.** `fortyhertz export RUN --nwb FILE` and `fh.to_neo` take the spikes elsewhere.
# - **Synchrony.** Coherence, theta-gamma codes, binding, Crick and Koch's proposals as numbers: {doc}`/synchrony`.
