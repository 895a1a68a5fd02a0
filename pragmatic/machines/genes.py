"""Gene regulation as attention with a null key: promoters, their molecules one by one, cascades, an oscillator."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from scipy.integrate import solve_ivp
from torch import Tensor, nn
from torch.nn import functional

from pragmatic.checks import at_least, check_rng
from pragmatic.score_maps import ScoreMap, Softmax

__all__ = [
    "GeneCascade",
    "Promoters",
    "Repressilator",
    "fano_law",
    "learn_pattern",
    "occupancy",
    "period",
    "stripes",
    "transcribe",
]

LEAST = 1e-3  # concentration below which a factor is as good as absent
MATERNAL = (
    0.2  # decay length of the gradients from either end, in lengths of the egg (Bicoid; Houchmandzadeh 2002)
)


def occupancy(weights: np.ndarray) -> np.ndarray:
    """Give the probability of each factor on a promoter that holds one: w_j / (1 + sum w), (..., n_factors).

    Bintu, Buchler, Garcia, Gerland, Hwa, Kondev and Phillips (2005), Transcriptional regulation by the numbers:
    models. With w_j = exp(score_j) it is the softmax over the factors and a null key of score 0.
    """
    return weights / (1 + weights.sum(axis=-1, keepdims=True))


@dataclass(frozen=True, kw_only=True)
class Promoters:
    """What many promoters did, each for itself."""

    shares: np.ndarray  # (n_promoters, 1 + n_factors) of the time: empty, then each factor
    bindings: np.ndarray  # (n_promoters,) events of binding
    state: np.ndarray  # (n_promoters,) at the end: 0 empty, j + 1 factor j
    mrna: np.ndarray  # (n_promoters,) molecules at the end


def transcribe(
    weights: np.ndarray,
    *,
    n_promoters: int,
    duration: float,
    rng: np.random.Generator,
    unbinding: float = 1.0,
    production: float = 0.0,
    decay: float = 1.0,
) -> Promoters:
    """Simulate binding, unbinding, transcription and decay event by event (Gillespie 1977).

    An empty promoter binds factor j at the rate w_j unbinding, a bound one lets go at the rate unbinding. While
    factor 0 is bound, molecules are made at the rate `production`; each decays at the rate `decay`.

    Parameters
    ----------
    weights : (n_factors,) array
    n_promoters : int
    duration : float
        In the unit of the rates' inverse; all begin empty and without molecules.
    rng : numpy.random.Generator
    unbinding, production, decay : float
    """
    on = np.cumsum(weights) * unbinding
    state, mrna = np.zeros(n_promoters, dtype=np.int64), np.zeros(n_promoters, dtype=np.int64)
    time, shares = np.zeros(n_promoters), np.zeros((n_promoters, 1 + len(weights)))
    bindings, running = np.zeros(n_promoters, dtype=np.int64), np.arange(n_promoters)
    while len(running):
        here = state[running]
        switch = np.where(here == 0, on[-1], unbinding)
        make = np.where(here == 1, production, 0.0)
        total = switch + make + decay * mrna[running]
        wait = rng.exponential(size=len(running)) / total
        left = duration - time[running]
        shares[running, here] += np.minimum(wait, left)
        time[running] += wait
        happens = wait < left
        running, here, at = running[happens], here[happens], (rng.random(len(total)) * total)[happens]
        switch, make = switch[happens], make[happens]
        bind, free = (at < switch) & (here == 0), (at < switch) & (here > 0)
        state[running[bind]] = 1 + np.minimum(np.searchsorted(on, at[bind], side="right"), len(on) - 1)
        state[running[free]] = 0
        bindings[running[bind]] += 1
        made = (at >= switch) & (at < switch + make)
        mrna[running[made]] += 1
        mrna[running[at >= switch + make]] -= 1
    return Promoters(shares=shares / duration, bindings=bindings, state=state, mrna=mrna)


def fano_law(weights: np.ndarray, *, unbinding: float, production: float, decay: float) -> float:
    """Variance over mean of the molecules in the steady state.

    For a promoter that is a Markov chain of generator Q the rate's covariance decays as exp(Q t), and filtering by
    the decay gives 1 + production ([(decay - Q)^-1]_{on, on} - p_on / decay); of two states it is the formula of
    Peccoud and Ycart (1995).
    """
    n = len(weights)
    generator = np.zeros((1 + n, 1 + n))
    generator[0, 1:], generator[1:, 0] = weights * unbinding, unbinding
    generator -= np.diag(generator.sum(axis=1))
    returned = np.linalg.inv(decay * np.eye(1 + n) - generator)[1, 1]
    return float(1 + production * (returned - occupancy(weights)[0] / decay))


@dataclass(frozen=True, kw_only=True)
class Repressilator:
    """Three genes in a ring, each repressing the next: m' = -m + a share + a_0, p' = -b (p - m).

    Elowitz and Leibler (2000), A synthetic oscillatory network of transcriptional regulators, Nature 403:335. The
    share of time in which a promoter is free, 1/(1 + p^n), is that of the null key in a softmax over it and a
    repressor of score n ln p. Time is in lifetimes of the mRNA.
    """

    a: float = 216.404  # molecules per promoter and lifetime, unrepressed; 216.404 and 0.2164 with n = 2
    a_0: float = 0.2164
    n: float = 2.0
    b: float = 0.2  # decay of protein over decay of mRNA

    def exact(self, duration: float, sample: float) -> tuple[np.ndarray, np.ndarray]:
        """Integrate; times (n_samples,) and proteins (n_samples, 3)."""
        times = np.arange(0, duration, sample)
        found = solve_ivp(self._slopes, (0, duration), self._start(), t_eval=times, rtol=1e-8, atol=1e-8)
        return times, found.y[3:].T

    def stepped(
        self, share: Callable[[np.ndarray], np.ndarray], n_rings: int, duration: float, step: float
    ) -> tuple[np.ndarray, np.ndarray]:
        """Take Euler steps with shares from anywhere; times (n_steps,) and proteins (n_steps, n_rings, 3).

        Parameters
        ----------
        share : callable
            Scores of the repressors (n_rows,) to the null key's share (n_rows,), which then holds for the step.
        n_rings : int
            Rings side by side.
        duration, step : float
        """
        m, p = (np.tile(part, (n_rings, 1)) for part in np.split(self._start(), 2))
        kept = []
        for _ in range(math.ceil(duration / step)):
            scores = self.n * np.log(np.maximum(np.roll(p, 1, axis=1), LEAST))
            free = share(scores.ravel()).reshape(m.shape)
            m = m + step * (-m + self.a * free + self.a_0)
            p = p + (1 - math.exp(-self.b * step)) * (m - p)
            kept.append(p)
        return step * np.arange(1, 1 + len(kept)), np.stack(kept)

    def _start(self) -> np.ndarray:
        return np.array([0.0, 0.0, 0.0, 1.0, 5.0, 20.0])  # off the symmetric fixed point

    def _slopes(self, _: float, state: np.ndarray) -> np.ndarray:
        m, p = state[:3], state[3:]
        made = self.a / (1 + np.roll(np.maximum(p, 0), 1) ** self.n)
        return np.concatenate([-m + made + self.a_0, -self.b * (p - m)])


def period(times: np.ndarray, values: np.ndarray) -> float:
    """Mean time between rises through the geometric mean, second half of a record; nan with fewer than two."""
    late = len(times) // 2
    times, log = times[late:], np.log(np.maximum(values[late:], LEAST))
    swing = log - log.mean()
    wide, crossings, armed = 0.25 * swing.std(), [], False  # hysteresis: noise does not count twice
    for i in range(1, len(times)):
        armed = armed or swing[i - 1] < -wide
        if armed and swing[i] > wide:
            crossings.append(times[i])
            armed = False
    return float(np.mean(np.diff(crossings))) if len(crossings) > 1 else math.nan


def stripes(n_places: int, n_stripes: int) -> np.ndarray:
    """Wanted expression along the egg, (n_places,), between 0 and 1."""
    at = (np.arange(n_places) + 0.5) / n_places
    return 0.5 - 0.5 * np.cos(2 * np.pi * n_stripes * at)


class GeneCascade(nn.Module):
    """Layers of genes; every promoter attends to the layer before and to two maternal gradients, with a null key.

    The score of a factor is its binding energy plus the logarithm of its concentration, so that the weight is the
    `occupancy`. A bound factor makes product at a rate between 0 and 1, its value: activators near 1, repressors,
    which only block, near 0. With `pairs` two factors may also bind together, at a score that is the sum of
    both and an energy: a product of concentrations.

    Parameters
    ----------
    n_layers, n_genes : int
        The first gene of the last layer is the one that is asked.
    pairs, values : bool
        Without values every bound factor activates fully.
    rng : numpy.random.Generator
    """

    def __init__(
        self, n_layers: int, n_genes: int, *, pairs: bool, values: bool, rng: np.random.Generator
    ) -> None:
        super().__init__()
        for name, value in (("n_layers", n_layers), ("n_genes", n_genes)):
            at_least("GeneCascade", name, value, 1)
        check_rng(rng)
        self.pairs, self.values = pairs, values
        self.score_map: ScoreMap = Softmax()
        sources = [2 + (n_genes if layer else 0) for layer in range(n_layers)]
        n_keys = [n + n * (n - 1) // 2 * pairs for n in sources]
        self.energies = nn.ParameterList(_drawn(rng, (n_genes, n), 2.0) for n in n_keys)
        self.strengths = nn.ParameterList(_drawn(rng, (n_genes, n), 2.0) for n in n_keys)

    def forward(self, n_places: int) -> Tensor:
        """Expression of the asked gene along the egg, (n_places,)."""
        at = (torch.arange(n_places) + 0.5) / n_places
        maternal = torch.stack([torch.exp(-at / MATERNAL), torch.exp(-(1 - at) / MATERNAL)], dim=1)
        made = maternal[:, :0]
        for energy, strength in zip(self.energies, self.strengths, strict=True):
            factors = self._factors(
                torch.cat([maternal, 10 * made], dim=1)
            )  # (P, n_keys), up to 10 of a product
            scores = energy + factors[:, None]  # (P, G, n_keys)
            null = torch.zeros_like(scores[..., :1])
            weights = self.score_map(torch.cat([scores, null], dim=-1))[..., :-1]
            made = (weights * torch.sigmoid(strength)).sum(dim=-1) if self.values else weights.sum(dim=-1)
        return made[:, 0]

    def _factors(self, concentrations: Tensor) -> Tensor:
        """Logarithms of concentrations, of single factors and of pairs."""
        single = concentrations.clamp_min(LEAST).log()
        if not self.pairs:
            return single
        first, second = torch.triu_indices(single.shape[1], single.shape[1], offset=1)
        return torch.cat([single, single[:, first] + single[:, second]], dim=1)


def learn_pattern(
    cascade: GeneCascade,
    wanted: np.ndarray,
    *,
    iterations: int,
    learning_rate: float = 0.15,
    progress: Callable[[float], None] | None = None,
) -> float:
    """Fit energies and strengths to a pattern (n_places,); return the part of its variance that is left."""
    target = torch.from_numpy(wanted).float()
    optimizer = torch.optim.Adam(cascade.parameters(), lr=learning_rate)
    for iteration in range(iterations):
        optimizer.param_groups[0]["lr"] = learning_rate * (1 - 0.9 * iteration / iterations)
        loss = functional.mse_loss(cascade(len(wanted)), target)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if progress is not None:
            progress((iteration + 1) / iterations)
    with torch.no_grad():
        return float(functional.mse_loss(cascade(len(wanted)), target)) / float(wanted.var())


def _drawn(rng: np.random.Generator, shape: tuple[int, ...], std: float) -> nn.Parameter:
    return nn.Parameter(torch.from_numpy(rng.normal(0, std, shape)).float())
