"""What a comparison with softmax says: each metric per row, its mean, its floor, the bias that remains."""

from __future__ import annotations

from dataclasses import asdict, dataclass

import numpy as np

from bridge.comparison.bias import RemainingBias
from bridge.laws.softmax_fit import SoftmaxFit
from spiking.checks import known
from spiking.record import Selection

__all__ = ["Comparison", "MetricComparison", "TableRow"]


@dataclass(frozen=True, kw_only=True)
class TableRow:
    """One metric in numbers: means over the rows where it is defined, with standard errors over rows."""

    metric: str
    spiking: float
    se: float
    floor: float  # a multinomial's with as many spikes
    ratio: float  # distance over floor's distance, 1 = as good as sampling; from 1 for metrics of agreement
    ratio_se: float
    bias: float  # distance that remains as spikes go to infinity; nan for metrics without an expansion in 1/N
    bias_se: float
    bias_low: float  # 95 % interval
    bias_high: float


@dataclass(frozen=True, kw_only=True)
class MetricComparison:
    """One metric per row; nan where it is undefined, in silent rows above all."""

    name: str
    is_agreement: bool  # 1 is perfect; otherwise 0 is
    spiking: np.ndarray  # (n_rows,)
    floor: np.ndarray  # (n_rows,) mean over multinomial samples, exact for total variation
    floor_sd: np.ndarray  # (n_rows,)
    bias: RemainingBias

    def summary(self) -> TableRow:
        """Means over rows, with the floor."""
        here = ~(np.isnan(self.spiking) | np.isnan(self.floor))
        spiking, floor = self.spiking[here], self.floor[here]
        distance, least = (1 - spiking, 1 - floor) if self.is_agreement else (spiking, floor)
        mean, least_mean = _mean(distance), _mean(least)
        ratio = mean / least_mean if least_mean > 0 else np.nan
        return TableRow(
            metric=self.name,
            spiking=_mean(spiking),
            se=_standard_error(spiking),
            floor=_mean(floor),
            ratio=ratio,
            ratio_se=_standard_error(distance - ratio * least) / least_mean if least_mean > 0 else np.nan,
            bias=self.bias.value,
            bias_se=self.bias.se,
            bias_low=self.bias.low,
            bias_high=self.bias.high,
        )


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """Spiking against softmax on the same scores; rows are the queries, leading dimensions flattened."""

    metrics: tuple[MetricComparison, ...]
    fitted: SoftmaxFit  # on scores / temperature, so that its beta is beta x temperature
    temperature: float
    selection: Selection
    weights: np.ndarray  # (n_rows, n_keys) softmax(scores / temperature), 0 where masked
    output: np.ndarray | None  # (n_rows, d_value) of the spike share; 0 in a silent row
    reference: np.ndarray | None  # (n_rows, d_value) of the softmax
    shape: tuple[int, ...]  # (..., n_queries) as given, to reshape rows to

    def __getitem__(self, metric: str) -> MetricComparison:
        names = [compared.name for compared in self.metrics]
        known("metric", metric, names)
        return self.metrics[names.index(metric)]

    @property
    def n_silent(self) -> int:
        """Rows without a spike, which no mean includes."""
        return int(self.selection.silent.sum())

    def excess(self, metric: str) -> float:
        """Distance over the floor's, a ratio of means over rows: 1 is as good as sampling."""
        return self[metric].summary().ratio

    def table(self) -> list[TableRow]:
        """A row for each metric."""
        return [compared.summary() for compared in self.metrics]

    def summary(self) -> dict[str, object]:
        """Everything but the per-row arrays as plain numbers, ready for JSON."""
        return {
            "metrics": {row.metric: asdict(row) for row in self.table()},
            "softmax": asdict(self.fitted),
            "temperature": self.temperature,
            "n_rows": len(self.weights),
            "n_silent": self.n_silent,
            "spikes_per_row": float(self.selection.counts.sum(axis=1).mean()),
            "duration_ms": self.selection.duration_ms,
        }

    def __str__(self) -> str:
        head = f"{'metric':<18}{'spiking':>10}{'±':>9}{'floor':>10}{'ratio':>8}{'±':>7}"
        lines = [f"{head}   bias at infinity (95 %)", *map(_line, self.table())]
        lines.append(
            f"beta x temperature {self.fitted.beta:.4f} ± {self.fitted.beta_se_quasi:.4f}, "
            f"dispersion {self.fitted.dispersion:.3f}, {self.n_silent} of {len(self.weights)} rows silent"
        )
        return "\n".join(lines)


def _mean(values: np.ndarray) -> float:
    return float(values.mean()) if len(values) else float("nan")


def _standard_error(values: np.ndarray) -> float:
    return float(values.std(ddof=1) / np.sqrt(len(values))) if len(values) > 1 else float("nan")


def _line(row: TableRow) -> str:
    bias = "" if np.isnan(row.bias) else f"{row.bias:>10.4f} [{row.bias_low:.4f}, {row.bias_high:.4f}]"
    return (
        f"{row.metric:<18}{row.spiking:>10.4f}{row.se:>9.4f}{row.floor:>10.4f}"
        f"{row.ratio:>8.3f}{row.ratio_se:>7.3f}{bias}"
    )
