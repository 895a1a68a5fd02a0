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
# # A student's hour: why spikes can be a softmax
#
# A transformer divides its attention by a softmax: from scores $s_j$ it makes weights $p_j = e^{s_j/T} / \sum_k
# e^{s_k/T}$. A brain has no exponentials and no division. It has cells that spike. This notebook goes from one
# noisy cell to a circuit at 40 Hz whose spikes are a softmax, and asks at each step what does the work.
#
# You need Python with NumPy, and probability at the level of the exponential and the Poisson law. After each
# section there is an exercise: write the function that it asks for and hand it to its `check`, which raises an
# error until it is right. A solution is folded below each exercise. To work in Jupyter: `jupytext --to ipynb
# student.py` makes a notebook of this script.

# %%
from collections.abc import Callable

# %matplotlib inline
import matplotlib.pyplot as plt
import numpy as np
from scipy.special import logsumexp
from scipy.special import softmax as reference

import fortyhertz as fh
from scenarios.workbench.style import CONTROL, FLOOR, SOFTMAX, SPIKING, style

rng = np.random.default_rng(0)
scores = np.array([0.0, 0.5, 1.0, 1.5, 2.0])

# %% [markdown]
# ## 1. An exponential escape rate
#
# A cell's membrane is noisy. At voltage $v$ it does not spike at a threshold but with a *rate* that rises
# steeply with $v$. Fitted to cortical cells, the rise is close to exponential (Jolivet, Rauch, Lüscher and
# Gerstner 2006):
#
# $$\rho(v) = \rho_0\, e^{v - \theta},$$
#
# with $v$ in units of the noise. Let the score of key $j$ be added to the voltage of its cells. Then its cells
# spike at $\lambda_j = c\, e^{s_j}$, where $c$ is the same for all keys. Within a time $\tau$ the number of
# spikes of each key is Poisson with mean $\lambda_j \tau$:

# %%
rate = 5.0 * np.exp(scores)  # spikes per second, with c = 5
counts = rng.poisson(rate * 2.0)  # two seconds
print("spikes ", counts)
print("share  ", (counts / counts.sum()).round(3))
print("softmax", reference(scores).round(3))

# %% [markdown]
# The shares resemble the softmax, and here is why. Independent Poisson processes with rates $\lambda_j$ are one
# process with rate $\sum_k \lambda_k$, each of whose events belongs to $j$ with probability
#
# $$\frac{\lambda_j}{\sum_k \lambda_k} = \frac{c\, e^{s_j}}{\sum_k c\, e^{s_k}} = \operatorname{softmax}(s)_j .$$
#
# The constant $c$ cancels, also where it changes in time. **Every spike is a sample of the softmax.**
#
# ### Exercise 1: the race
#
# The first spike of key $j$ comes after an exponentially distributed time with mean $1/\lambda_j$. Write
# `race(scores, n, rng)`, which draws these times for `n` races and returns the winner of each, an array of `n`
# integers.


# %%
def check_race(race: Callable[[np.ndarray, int, np.random.Generator], np.ndarray]) -> None:
    """The winners' shares lie within four standard errors of the softmax."""
    n = 20_000
    share = np.bincount(race(scores, n, np.random.default_rng(1)), minlength=len(scores)) / n
    p = reference(scores)
    assert np.all(np.abs(share - p) < 4 * np.sqrt(p * (1 - p) / n)), f"{share} is not {p}"
    print("right")


# %% jupyter={"source_hidden": true} tags=["hide-cell"]
def race(scores: np.ndarray, n: int, rng: np.random.Generator) -> np.ndarray:
    times = rng.exponential(1 / np.exp(scores), size=(n, len(scores)))
    return times.argmin(axis=1)


# %%
check_race(race)

# %% [markdown]
# (Take the logarithm of these times: $-\ln t_j = s_j + G_j$ with $G_j$ of Gumbel's law. "Gumbel-max sampling"
# in machine learning is this race.)

# %% [markdown]
# ## 2. The sampling error
#
# A share of $N$ spikes is not the softmax but an estimate of it. If the spikes are independent samples, the
# number of them that fall to $j$ is binomial.
#
# ### Exercise 2: how many spikes?
#
# Write `standard_error(p, n)`, the standard deviation of a share whose expectation is `p` after `n` spikes, and
# `spikes_for(p, error)`, the number of spikes that brings it down to `error`.


# %%
def check_errors(
    standard_error: Callable[[np.ndarray, int], np.ndarray], spikes_for: Callable[[float, float], float]
) -> None:
    """Against 4000 repetitions, whose standard deviation is known to about 1 %."""
    p, repetitions = reference(scores), 4000
    for n in (16, 64, 256):
        shares = np.random.default_rng(2).multinomial(n, p, size=repetitions) / n
        np.testing.assert_allclose(standard_error(p, n), shares.std(axis=0), rtol=0.06)
    assert abs(spikes_for(0.5, 0.01) - 2500) < 1, "at p = 1/2 an error of .01 takes 2500 spikes"
    assert abs(spikes_for(0.5, 0.02) - 625) < 1, "twice the error takes a quarter of the spikes"
    print("right")


# %% jupyter={"source_hidden": true} tags=["hide-cell"]
def standard_error(p: np.ndarray, n: int) -> np.ndarray:
    return np.sqrt(p * (1 - p) / n)


def spikes_for(p: float, error: float) -> float:
    return p * (1 - p) / error**2


# %%
check_errors(standard_error, spikes_for)

# %% [markdown]
# A circuit of spiking cells pays the same. The gamma circuit has 40 such cells for each key. Its rows end after
# a number of spikes; the error of the shares over 200 rows:

# %%
circuit = fh.GammaCircuit()
budgets = np.array([16, 32, 64, 128, 256])
p = reference(scores)


def rms_error(circuit: fh.GammaCircuit, n: int, rows: int = 200) -> float:
    """Root of the mean squared error of all shares, over rows that end after `n` spikes."""
    run = circuit.attend(np.tile(scores, (rows, 1)), spikes=n, rng=np.random.default_rng(3))
    return float(np.sqrt(((run.weights - p) ** 2).mean()))


measured = [rms_error(circuit, n) for n in budgets]
expected = np.sqrt((p * (1 - p)).mean() / budgets)
with style():
    figure, ax = plt.subplots(figsize=(5, 3.2))
    ax.loglog(budgets, expected, "--", color=FLOOR, label=r"samples, $1/\sqrt{N}$")
    ax.loglog(budgets, measured, "o", color=SPIKING, label="spikes of the circuit")
    ax.set(xlabel="spikes per row, N", ylabel="error of a share", xticks=budgets, xticklabels=budgets)
    ax.minorticks_off()
    ax.legend()

# %% [markdown]
# ## 3. Temperature
#
# The temperature of a softmax says how much a difference of scores matters. In cells it is the noise: $v$
# stands in the exponent in units of the noise, so that twice the noise halves all scores.
#
# ### Exercise 3: odds
#
# Two keys differ by one score. Write `temperature_for(odds)`, the temperature at which the better of them gets
# `odds` spikes for each one of the other.


# %%
def check_temperature(temperature_for: Callable[[float], float]) -> None:
    """A circuit is set to it: the log odds of its spikes lie within five standard errors."""
    for odds in (3.0, 9.0):
        set_to = fh.GammaCircuit(fh.GammaParams(temperature=temperature_for(odds)))
        run = set_to.attend(np.array([[0.0, 1.0]] * 20), duration_ms=1000, rng=np.random.default_rng(4))
        few, many = run.counts.sum(axis=0)
        # Standard error of log odds, and 3 % for what is left of the circuit's own bias.
        allowed = 5 * np.sqrt(1 / few + 1 / many) + 0.03 * np.log(odds)
        assert abs(np.log(many / few) - np.log(odds)) < allowed, f"odds {many / few:.2f} in place of {odds}"
    print("right")


# %% jupyter={"source_hidden": true} tags=["hide-cell"]
def temperature_for(odds: float) -> float:
    return 1 / np.log(odds)  # odds = exp(1 / T)


# %%
check_temperature(temperature_for)

# %% [markdown]
# ## 4. Division by a shared pool
#
# The shares are a softmax because *we* divided by the total. A downstream cell cannot: it adds up what arrives.
# If each spike of key $j$ adds the value $x_j$, it ends with $\sum_j n_j x_j$, which grows with the total
# $\sum_j n_j$, and the total with every score.
#
# Now let all keys excite one pool of inhibitory cells. After about $K$ spikes, from whichever keys, the pool
# fires and stops all of them. Each round has $K$ spikes: the total is fixed, and $\frac1K \sum_j n_j x_j$ *is*
# the weighted mean. The pool is the denominator. Physiologists call it divisive normalisation (Carandini and
# Heeger 2012).
#
# ### Exercise 4: what the pool divides by
#
# Without the pool the total grows as $\sum_j e^{s_j}$: its logarithm, plotted against $\ln \sum_j e^{s_j}$
# (`logsumexp`), has slope 1. With the pool it should hardly grow. Write `slope_of_total(circuit, scores)`: let
# `circuit` attend to the rows `scores` for a second and fit a line (`np.polyfit`) to the logarithm of
# `n_spikes` against the `logsumexp` of the rows.

# %%
LOOP = fh.GammaCircuit(fh.GammaParams(feedforward="none", gain=1.0))  # the pool alone holds the total
rows = np.random.default_rng(5).normal(0, 0.5, (40, 5)) + np.linspace(-1.0, 1.0, 40)[:, None]
NO_LOOP = fh.gamma_off(LOOP, rows, duration_ms=500, rng=np.random.default_rng(6)).circuit  # same mean rate


def check_slope(slope_of_total: Callable[[fh.GammaCircuit, np.ndarray], float]) -> None:
    """About 1 without the pool, a fraction of that with it."""
    with_pool, without = slope_of_total(LOOP, rows), slope_of_total(NO_LOOP, rows)
    print(f"slope with the pool {with_pool:.2f}, without {without:.2f}")
    assert abs(without - 1) < 0.15, "without the pool the total follows the sum of exponentials"
    assert 0 < with_pool < 0.5 * without, "the pool holds the total"
    print("right")


# %% jupyter={"source_hidden": true} tags=["hide-cell"]
def slope_of_total(circuit: fh.GammaCircuit, scores: np.ndarray) -> float:
    run = circuit.attend(scores, duration_ms=1000, rng=np.random.default_rng(7))
    return float(np.polyfit(logsumexp(scores, axis=1), np.log(run.n_spikes), 1)[0])


# %%
check_slope(slope_of_total)

# %%
with style():
    figure, ax = plt.subplots(figsize=(5, 3.2))
    for name, one, colour in (
        ("with the pool", LOOP, SPIKING),
        ("without, same mean rate", NO_LOOP, CONTROL),
    ):
        run = one.attend(rows, duration_ms=1000, rng=np.random.default_rng(7))
        ax.semilogy(logsumexp(rows, axis=1), run.n_spikes, "o", color=colour, label=name)
    ax.set(xlabel=r"$\ln \sum_j e^{s_j}$", ylabel="spikes of a row in 1 s")
    ax.legend()

# %% [markdown]
# ## 5. The rhythm, and its control
#
# The pool fires, inhibition silences the cells, decays within some 20 ms, and the next round begins: a gamma
# rhythm of about 40 Hz. Does the selection need it? The control has no rhythm and the same rate: E to I is cut
# and the drive lowered.

# %%
on = fh.GammaCircuit()
off = fh.gamma_off(on, rows, duration_ms=500, rng=np.random.default_rng(8)).circuit
runs = {
    name: one.attend(rows, duration_ms=1000, rng=np.random.default_rng(9))
    for name, one in {"rhythm": on, "control": off}.items()
}
with style():
    figure, axes = plt.subplots(2, 1, figsize=(6.5, 4), sharex=True)
    for ax, (name, run) in zip(axes, runs.items(), strict=True):
        spikes = run.spikes.of_row(20)
        shown = spikes.time_ms < 400
        ax.scatter(
            spikes.time_ms[shown], spikes.key[shown] * 40 + spikes.cell[shown], s=4,
            color=SPIKING if name == "rhythm" else CONTROL,
        )  # fmt: skip
        ax.set(
            title=f"{name}: peak in {np.isfinite(run.f_gamma_Hz).sum()} of {len(rows)} rows", ylabel="cell"
        )
    axes[1].set_xlabel("time (ms)")

# %% [markdown]
# ### Exercise 5: does the rhythm select better?
#
# Write `distance(weights, target)`, the total variation $\frac12 \sum_j |w_j - p_j|$ of each row, an array of
# one number a row. The mean difference between rhythm and control, with its standard error over rows, then
# answers the question.


# %%
def check_distance(distance: Callable[[np.ndarray, np.ndarray], np.ndarray]) -> None:
    """Cases with a known answer, then the two circuits."""
    np.testing.assert_allclose(
        distance(np.array([[1.0, 0.0], [0.5, 0.5]]), np.array([[0.0, 1.0], [0.5, 0.5]])), [1, 0]
    )
    target = reference(rows, axis=1)
    gap = distance(runs["rhythm"].weights, target) - distance(runs["control"].weights, target)
    error = gap.std(ddof=1) / np.sqrt(len(gap))
    print(f"rhythm minus control: {gap.mean():+.4f} ± {error:.4f}")
    print("right")


# %% jupyter={"source_hidden": true} tags=["hide-cell"]
def distance(weights: np.ndarray, target: np.ndarray) -> np.ndarray:
    return 0.5 * np.abs(weights - target).sum(axis=1)


# %%
check_distance(distance)

# %% [markdown]
# Read the last line as a sceptic: a difference of less than two standard errors is no difference that this run
# can show. What selects is the exponential rate. What the loop adds is the denominator, exercise 4.

# %% [markdown]
# ## 6. Better than samples: regular cells
#
# Independent samples waste spikes: by chance one key gets too many, another too few. Let a cell count instead:
# it adds up its rate and spikes whenever the sum has grown by one. Only where it begins is random. A key that
# is owed $x$ spikes then fires $\lfloor x + U \rfloor$ with $U$ uniform in $[0, 1)$: right in the mean, and
# never off by more than one.
#
# ### Exercise 6: a regular count
#
# Write `regular_counts(expected, rng)`, which takes expected counts of any shape and returns whole counts as
# regular cells give them, each with a $U$ of its own.


# %%
def check_regular(regular_counts: Callable[[np.ndarray, np.random.Generator], np.ndarray]) -> None:
    """Unbiased within four standard errors, never off by one or more, and with a variance of f(1 - f)."""
    expected = np.tile(64 * p, (20_000, 1))
    counts = regular_counts(expected, np.random.default_rng(10))
    fraction = 64 * p % 1
    variance = fraction * (1 - fraction)
    assert np.all(counts == np.round(counts)), "counts are whole"
    assert np.all(np.abs(counts - expected) < 1), "a count is its expectation, rounded down or up"
    assert np.all(np.abs(counts.mean(axis=0) - 64 * p) < 4 * np.sqrt(variance / len(counts)) + 1e-9), "biased"
    np.testing.assert_allclose(counts.var(axis=0), variance, rtol=0.1, atol=0.01)
    print(f"squared error over that of samples: {variance.sum() / (64 * p * (1 - p)).sum():.3f}")
    print("right")


# %% jupyter={"source_hidden": true} tags=["hide-cell"]
def regular_counts(expected: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    return np.floor(expected + rng.uniform(size=np.shape(expected)))


# %%
check_regular(regular_counts)

# %% [markdown]
# The circuit has such cells, too: `GammaParams.regular()`. Their error falls as $1/N$.

# %%
regular = fh.GammaCircuit(fh.GammaParams.regular())
turns = [rms_error(regular, n) for n in budgets]
with style():
    figure, ax = plt.subplots(figsize=(5, 3.2))
    ax.loglog(budgets, expected, "--", color=FLOOR, label=r"samples, $1/\sqrt{N}$")
    ax.loglog(budgets, measured, "o", color=SPIKING, label="escape-rate cells")
    ax.loglog(budgets, turns, "s", color=SOFTMAX, label="regular cells")
    ax.set(xlabel="spikes per row, N", ylabel="error of a share", xticks=budgets, xticklabels=budgets)
    ax.minorticks_off()
    ax.legend()
slope = np.polyfit(np.log(budgets), np.log(turns), 1)[0]
print(f"error of regular cells ~ N^{slope:.2f}")

# %% [markdown]
# ## What you have now
#
# | in a transformer | in the circuit |
# |---|---|
# | exponential of the score | escape rate of a noisy membrane |
# | temperature | noise |
# | a weight | the share of a key's spikes, off by $1/\sqrt N$; by $1/N$ with regular cells |
# | the denominator | a pool of inhibitory cells that all keys share |
# | – | a rhythm near 40 Hz, which the pool makes |
#
# Next: {doc}`/model` derives all of this with the time constants of cells, {doc}`/regular` says what regular
# cells ask of a brain, and {doc}`/first-hour` ends with a circuit of your own in a model of your own.
