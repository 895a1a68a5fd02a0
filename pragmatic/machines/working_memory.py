"""What is left of n items after a delay: the laws of slots, of a shared resource, and of copies dealt by chance.

A memory holds K copies of the n items that it was shown, each copy with normal noise. The copies of one item are
averaged, so that c of them leave a standard deviation of sigma / sqrt(c), and an item without a copy is guessed.
What tells the theories apart is how the copies are dealt:

- slots with averaging: whole copies, as evenly as possible (Zhang and Luck 2008, Nature 453:233)
- a resource: K / n copies of each item, which need not be whole (Bays and Husain 2008, Science 321:851)
- by chance: each copy goes to any item, binomial, so that precision varies from trial to trial as in van den Berg
  et al. (2012), PNAS 109:8780
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from scipy import optimize, stats

from pragmatic.checks import at_least, unknown

__all__ = ["DEALS", "Fit", "answer_error", "dealt", "fit_deal", "slot_law"]

DEALS = ("slots", "resource", "chance")
N_BINS = 180  # of errors, 2 degrees each
N_WRAPS = 2  # turns of the circle that a normal density is summed over, either way
SIGMAS = (0.02, 3.0)  # rad, of one copy


def slot_law(n_items: int, k: float, guess: float) -> float:
    """Compute P(correct) = K / n + (1 - K / n) guess, 1 from K = n on (Cowan 2001, Behav. Brain Sci. 24:87)."""
    kept = min(1.0, k / n_items)
    return kept + (1 - kept) * guess


def dealt(deal: str, k: int, n_items: int) -> tuple[np.ndarray, np.ndarray]:
    """Give the numbers of copies that an item may have, and the probability of each.

    Parameters
    ----------
    deal : {"slots", "resource", "chance"}
    k, n_items : int
    """
    if deal not in DEALS:
        raise ValueError(unknown("deal", deal, DEALS))
    at_least(deal, "k", k, 1)
    at_least(deal, "n_items", n_items, 1)
    if deal == "resource":
        return np.array([k / n_items]), np.ones(1)
    if deal == "slots":
        fewest, rest = divmod(k, n_items)
        return np.array([fewest, fewest + 1.0]), np.array([1 - rest / n_items, rest / n_items])
    copies = np.arange(k + 1.0)
    return copies, stats.binom.pmf(copies, k, 1 / n_items)


def answer_error(copies: np.ndarray, sigma: float, rng: np.random.Generator) -> np.ndarray:
    """Draw errors of answers in (-pi, pi] from the copies of the item asked for; uniform where there is none."""
    known = copies > 0
    noise = rng.normal(0, 1, copies.shape) * sigma / np.sqrt(np.where(known, copies, 1))
    wrapped = np.pi - (np.pi - noise) % (2 * np.pi)
    return np.where(known, wrapped, rng.uniform(-np.pi, np.pi, copies.shape))


@dataclass(frozen=True, kw_only=True)
class Fit:
    """A deal's best account of errors at several numbers of items."""

    deal: str
    k: int  # 1 for a resource, of which only sigma / sqrt(K) can be known
    sigma: float  # rad, of one copy
    log_density: np.ndarray  # (n_trials,) nat, of every error, in the order of the numbers of items


def fit_deal(deal: str, errors: Mapping[int, np.ndarray], most: int = 16) -> Fit:
    """Fit copies and noise by maximum likelihood, one K and one sigma for all numbers of items.

    Parameters
    ----------
    deal : str
    errors : mapping of n_items to (n_trials,) array
        In (-pi, pi].
    most : int
        Copies at most.
    """
    edges = np.linspace(-np.pi, np.pi, N_BINS + 1)
    bins = {n: np.clip(np.digitize(e, edges) - 1, 0, N_BINS - 1) for n, e in errors.items()}
    held = {n: np.bincount(of, minlength=N_BINS) for n, of in bins.items()}
    centres = (edges[1:] + edges[:-1]) / 2

    def log_density(k: int, sigma: float) -> dict[int, np.ndarray]:
        return {n: np.log(_density(centres, *dealt(deal, k, n), sigma) + 1e-12) for n in errors}

    def badness(log_sigma: float, k: int) -> float:
        table = log_density(k, float(np.exp(log_sigma)))
        return -sum(float(table[n] @ of) for n, of in held.items())

    found = [
        (optimize.minimize_scalar(badness, args=(k,), bounds=np.log(SIGMAS), method="bounded"), k)
        for k in ([1] if deal == "resource" else range(1, most + 1))
    ]
    best, k = min(found, key=lambda pair: float(pair[0].fun))
    table = log_density(k, sigma := float(np.exp(best.x)))
    return Fit(
        deal=deal, k=k, sigma=sigma, log_density=np.concatenate([table[n][of] for n, of in bins.items()])
    )


def _density(error: np.ndarray, copies: np.ndarray, chance: np.ndarray, sigma: float) -> np.ndarray:
    """Density of errors, (n,): wrapped normals mixed by the number of copies, and a uniform part of the guesses."""
    turns = 2 * np.pi * np.arange(-N_WRAPS, N_WRAPS + 1)
    density = np.full(error.shape, float(chance[copies == 0].sum()) / (2 * np.pi))
    for c, p in zip(copies[copies > 0], chance[copies > 0], strict=True):
        scale = sigma / np.sqrt(c)
        normal = np.exp(-0.5 * ((error[:, None] + turns) / scale) ** 2).sum(axis=1)
        density += p * normal / (scale * np.sqrt(2 * np.pi))
    return density
