"""Which selection law do the spikes follow? Laws fitted by maximum likelihood and ranked on held-out rows."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from bridge.laws.counted import CountedRows, as_numpy, pearson_dispersion
from bridge.laws.families import LAWS, Scale, SelectionLaw
from bridge.laws.likelihood import maximise, refine, row_log_likelihood, scale_of, standard_errors
from spiking.checks import check_scores, known, shown
from spiking.fill import taking_part

__all__ = ["Estimate", "FitReport", "LawFit", "fit"]

N_FOLDS = 5


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """One fitted parameter; errors are nan for an integer and where the counts do not constrain it."""

    name: str
    value: float
    se: float  # multinomial
    se_quasi: float  # se * sqrt(dispersion): McCullagh and Nelder (1989), section 9.2


@dataclass(frozen=True, kw_only=True)
class LawFit:
    """One law at its best, log-likelihoods in nats per spike and without the multinomial coefficient."""

    law: SelectionLaw
    estimates: tuple[Estimate, ...]  # in the law's order
    log_likelihood: float  # on the rows that it was fitted to
    heldout: float  # on rows that it was not fitted to; nan with fewer than two rows
    heldout_se: float  # over rows
    behind: float  # how far `heldout` is behind the best law's
    behind_se: float  # over rows, paired
    dispersion: float  # Pearson chi-square per degree of freedom; 1 = multinomial at this law

    def __getitem__(self, parameter: str) -> Estimate:
        known("parameter", parameter, self.law.parameters)
        return self.estimates[self.law.parameters.index(parameter)]

    def weights(self, scores: object, mask: object = None) -> np.ndarray:
        """Evaluate the fitted law on other scores, (n_rows, n_keys), 0 where masked."""
        scores = check_scores(as_numpy("scores", scores))
        present = taking_part(scores, None if mask is None else as_numpy("mask", mask))
        values = np.array([estimate.value for estimate in self.estimates])
        return self.law.probability(values, np.where(present, scores, 0.0), present)


@dataclass(frozen=True, kw_only=True)
class FitReport:
    """Laws ranked by held-out log-likelihood per spike, with the ceiling that no law can exceed."""

    laws: tuple[LawFit, ...]  # best first
    saturated: float  # nats per spike with each row's own shares as the law: no law fits these counts better
    ceiling: float  # the same without its optimism: about what the true law would reach on other spikes
    n_rows: int  # rows that entered
    n_silent: int
    n_single: int  # rows with one key
    n_spikes: int

    @property
    def best(self) -> LawFit:
        """The law that predicts held-out spikes best."""
        return self.laws[0]

    def __getitem__(self, law: str) -> LawFit:
        names = [fitted.law.name for fitted in self.laws]
        known("law", law, names)
        return self.laws[names.index(law)]

    def __str__(self) -> str:
        head = f"{'law':<9}{'held out':>10}{'±':>9}{'behind':>10}{'±':>9}{'dispersion':>12}  parameters"
        return "\n".join([head, *map(_line, self.laws), f"{'ceiling':<9}{self.ceiling:>10.5f}"])

    def summary(self) -> dict[str, object]:
        """Everything as plain numbers and names, ready for JSON."""
        return {
            "laws": [_plain(fitted) for fitted in self.laws],
            "saturated": self.saturated,
            "ceiling": self.ceiling,
            "n_rows": self.n_rows,
            "n_silent": self.n_silent,
            "n_single": self.n_single,
            "n_spikes": self.n_spikes,
        }


def fit(
    counts: object,
    scores: object,
    mask: object = None,
    *,
    laws: Sequence[str | SelectionLaw] | None = None,
) -> FitReport:
    """Fit selection laws to spike counts by maximum likelihood and rank them.

    Parameters
    ----------
    counts : (n_rows, n_keys) array or tensor
        Spikes per key.
    scores : (n_rows, n_keys) array or tensor
        What the circuit was given.
    mask : (n_rows, n_keys) bool array or tensor, optional
        True where a key takes part. A fill value such as -1e9 masks its key too, with a warning.
    laws : sequence of names or laws, optional
        All of `LAWS` when None.

    Returns
    -------
    FitReport
        Held-out numbers come from fitting to four fifths of the rows, every fifth row left out in turn.
        Silent rows and rows with one key are left out and counted.

    Raises
    ------
    ValueError, TypeError
        For arrays that do not belong together, no informative row, an unknown law.

    Notes
    -----
    `softmax` is nested in `top-k` (k = keys) and a limit of `entmax` (alpha to 1) and of `power` (offset and
    exponent to infinity together): compare `behind` with its error before calling one of these different.
    """
    rows = CountedRows.of(counts, scores, mask)
    if len(rows) == 0:
        raise ValueError(
            f"counts must hold a row with a spike and at least two keys, got {rows.n_silent} silent and "
            f"{rows.n_single} one-key rows; simulate longer or pass other rows."
        )
    scale = scale_of(rows)
    fits = [_fit_law(law, rows, scale) for law in _chosen(laws)]
    fits.sort(key=lambda fitted: fitted.rank(rows.counts.sum()), reverse=True)
    return FitReport(
        laws=tuple(_report(fitted, fits[0], rows) for fitted in fits),
        saturated=_saturated(rows),
        ceiling=_saturated(rows) - _optimism(rows),
        n_rows=len(rows),
        n_silent=rows.n_silent,
        n_single=rows.n_single,
        n_spikes=int(rows.counts.sum()),
    )


@dataclass(frozen=True, kw_only=True)
class _Fitted:
    law: SelectionLaw
    parameters: np.ndarray  # (n_parameters,)
    log_likelihood: float
    heldout: np.ndarray  # (n_rows,) nats; nan without another row to fit to

    def rank(self, n_spikes: float) -> tuple[float, int]:
        """Larger is better; among laws that predict equally well, the one with fewer parameters."""
        heldout = float(self.heldout.sum())
        nats = self.log_likelihood if np.isnan(heldout) else heldout
        return round(nats / n_spikes, 7), -len(self.parameters)


def _chosen(laws: Sequence[str | SelectionLaw] | None) -> list[SelectionLaw]:
    if laws is not None and (isinstance(laws, str) or not isinstance(laws, Iterable)):
        raise TypeError(f"laws must be a list of laws or their names, got {shown(laws)}; use ['softmax'].")
    chosen = []
    for law in LAWS if laws is None else laws:
        if not isinstance(law, SelectionLaw):
            known("law", law, LAWS)
            law = LAWS[law]
        chosen.append(law)
    if not chosen:
        raise ValueError(f"laws must name at least one law, got none; known: {', '.join(LAWS)}.")
    return chosen


def _fit_law(law: SelectionLaw, rows: CountedRows, scale: Scale) -> _Fitted:
    best = maximise(law, rows, scale)
    heldout = np.full(len(rows), np.nan)
    fold = np.arange(len(rows)) % N_FOLDS
    for left_out in range(min(N_FOLDS, len(rows))) if len(rows) > 1 else ():
        test = fold == left_out
        elsewhere = refine(law, best.parameters, rows.take(~test), scale)
        heldout[test] = row_log_likelihood(law, elsewhere.parameters, rows.take(test))
    return _Fitted(law=law, parameters=best.parameters, log_likelihood=best.log_likelihood, heldout=heldout)


def _report(fitted: _Fitted, best: _Fitted, rows: CountedRows) -> LawFit:
    law, parameters = fitted.law, fitted.parameters
    errors = standard_errors(law, parameters, rows) if law.parameters else np.empty(0)
    dispersion = pearson_dispersion(
        rows, law.probability(parameters, rows.scores, rows.mask), len(parameters)
    )
    heldout, heldout_se = _per_spike(fitted.heldout, rows.n_spikes)
    behind, behind_se = _per_spike(best.heldout - fitted.heldout, rows.n_spikes)
    return LawFit(
        law=law,
        estimates=tuple(
            Estimate(name=name, value=float(value), se=float(se), se_quasi=float(se * np.sqrt(dispersion)))
            for name, value, se in zip(law.parameters, parameters, errors, strict=True)
        ),
        log_likelihood=fitted.log_likelihood / rows.counts.sum(),
        heldout=heldout,
        heldout_se=heldout_se,
        behind=behind,
        behind_se=behind_se,
        dispersion=dispersion,
    )


def _per_spike(nats: np.ndarray, n_spikes: np.ndarray) -> tuple[float, float]:
    """Ratio of sums over rows and its standard error (Cochran 1977, Sampling techniques, section 6.3)."""
    ratio = nats.sum() / n_spikes.sum()
    if len(nats) < 2:
        return float(ratio), float("nan")
    residual = nats - ratio * n_spikes
    return float(ratio), float(np.sqrt(len(nats) * residual.var(ddof=1)) / n_spikes.sum())


def _saturated(rows: CountedRows) -> float:
    share = rows.counts / rows.n_spikes[:, None]
    nats = rows.counts * np.log(np.where(share > 0, share, 1.0))
    return float(nats.sum() / rows.counts.sum())


def _optimism(rows: CountedRows) -> float:
    """Optimism of shares on their own spikes: (occupied keys - 1) / 2 nats per row (Miller 1955)."""
    occupied = (rows.counts > 0).sum(axis=1)
    return float(np.sum(occupied - 1) / 2 / rows.counts.sum())


def _line(fitted: LawFit) -> str:
    parameters = ", ".join(f"{e.name} {e.value:.4g} ± {e.se_quasi:.2g}" for e in fitted.estimates)
    return (
        f"{fitted.law.name:<9}{fitted.heldout:>10.5f}{fitted.heldout_se:>9.5f}"
        f"{fitted.behind:>10.5f}{fitted.behind_se:>9.5f}{fitted.dispersion:>12.3f}  {parameters}"
    )


def _plain(fitted: LawFit) -> dict[str, object]:
    return {
        "name": fitted.law.name,
        "parameters": {
            e.name: {"value": e.value, "se": e.se, "se_quasi": e.se_quasi} for e in fitted.estimates
        },
        "log_likelihood": fitted.log_likelihood,
        "heldout": fitted.heldout,
        "heldout_se": fitted.heldout_se,
        "behind": fitted.behind,
        "behind_se": fitted.behind_se,
        "dispersion": fitted.dispersion,
    }
