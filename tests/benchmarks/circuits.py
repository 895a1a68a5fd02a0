"""The score circuits in the box on the same scores: rhythm, law, distance to the softmax, and what a row costs."""

from __future__ import annotations

import ast
import inspect
import io
import tokenize
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bridge import Comparison, FitReport, LawFit, compare_scores, fit
from spiking import GammaCircuit, RowCircuit
from spiking.circuits.ping_attention import PingAttention
from spiking.circuits.two_pools import TwoPools
from spiking.template import template_of
from tests.benchmarks.table import Table, cpu_seconds

N_ROWS, N_KEYS, SCORE_SD = 64, 8, 1.5
SEED = 0
TIED_SE = 2  # laws whose held-out likelihood is within so many standard errors of the best law's
WEAK, STRONG = 0.01, 0.3  # softmax weights, the tails of the law
NOT_CODE = {
    tokenize.COMMENT,
    tokenize.NL,
    tokenize.NEWLINE,
    tokenize.INDENT,
    tokenize.DEDENT,
    tokenize.ENDMARKER,
}


@dataclass(frozen=True, kw_only=True)
class Case:
    """A circuit, and how long each row is measured."""

    name: str
    circuit: RowCircuit
    duration_ms: float


CASES = (
    Case(name="gamma", circuit=GammaCircuit(), duration_ms=1000),
    Case(name="two pools", circuit=TwoPools(), duration_ms=1000),
    Case(name="two pools, slow = 0", circuit=TwoPools(slow=0.0), duration_ms=1000),
    Case(name="PING", circuit=PingAttention(), duration_ms=600),
)


def run() -> Table:
    """Simulate every circuit on the same rows and describe what its spikes do."""
    scores = np.random.default_rng(SEED).normal(0, SCORE_SD, (N_ROWS, N_KEYS))
    columns = [_column(case, scores) for case in CASES]
    return Table(
        setting=f"{N_ROWS} rows of {N_KEYS} keys, scores from N(0, {SCORE_SD}²), seed {SEED}, temperature 1, every "
        "circuit at its stored gain; ± is a standard error.",
        head=("", *(case.name for case in CASES)),
        lines=tuple((name, *(column[name] for column in columns)) for name in columns[0]),
    )


def code_lines(path: Path) -> int:
    """Count the lines of a module that hold code: no blank ones, no comments, no docstrings."""
    text = path.read_text(encoding="utf-8")
    tokens = tokenize.generate_tokens(io.StringIO(text).readline)
    lines = {
        n for token in tokens if token.type not in NOT_CODE for n in range(token.start[0], token.end[0] + 1)
    }
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and ast.get_docstring(node):
            lines -= set(range(node.body[0].lineno, (node.body[0].end_lineno or 0) + 1))
    return len(lines)


def _column(case: Case, scores: np.ndarray) -> dict[str, str]:
    compare_scores(scores[:2], case.circuit, duration_ms=100, rng=np.random.default_rng(SEED))  # compiles
    before = cpu_seconds()
    case.circuit.attend(
        scores, duration_ms=case.duration_ms, rng=np.random.default_rng(SEED), record="counts"
    )
    cpu_s = cpu_seconds() - before
    compared = compare_scores(
        scores, case.circuit, duration_ms=case.duration_ms, rng=np.random.default_rng(SEED)
    )
    report = fit(compared.selection.counts, scores)
    return {
        "lines of code": f"{code_lines(Path(inspect.getfile(type(case.circuit))))}",
        **_size(case, compared),
        **_rhythm(compared),
        **_law(compared, report),
        "CPU time of a row (ms)": f"{cpu_s / len(scores) * 1e3:.1f}",
    }


def _size(case: Case, compared: Comparison) -> dict[str, str]:
    selection = compared.selection
    n_inh = sum(int(selection.n_cells[group][0]) for group in selection.other_counts)
    return {
        "E cells of a key": f"{selection.spikes.n_cells}",
        "I cells of a row": f"{n_inh}",
        "measured time of a row (ms)": f"{case.duration_ms:.0f}",
        "settling before it (ms)": f"{template_of(case.circuit).wiring.settle_ms:.0f}",
    }


def _rhythm(compared: Comparison) -> dict[str, str]:
    selection = compared.selection
    f_Hz, totals = selection.f_gamma_Hz, selection.counts.sum(axis=1)
    known, cv = np.isfinite(f_Hz), totals.std(ddof=1) / totals.mean()
    return {
        "gamma frequency, median (Hz)": f"{np.median(f_Hz[known]):.1f}" if known.any() else "none",
        "rows with a significant rhythm": f"{known.mean():.0%}",
        "E spikes of a row": f"{totals.mean():.0f}",
        "their coefficient of variation over rows": f"{cv:.3f} ± {cv / np.sqrt(2 * len(totals) - 2):.3f}",
        "the same for Poisson counts": f"{totals.mean() ** -0.5:.3f}",
    }


def _law(compared: Comparison, report: FitReport) -> dict[str, str]:
    fitted, softmax, tv = compared.fitted, report["softmax"], compared["total_variation"].summary()
    tied = [fit.law.name for fit in report.laws[1:] if fit.behind < TIED_SE * fit.behind_se]
    return {
        "beta × temperature": f"{fitted.beta:.3f} ± {fitted.beta_se_quasi:.3f}",
        "dispersion at the softmax": f"{fitted.dispersion:.2f}",
        "best law": _in_words(report.best),
        "dispersion at the best law": f"{report.best.dispersion:.2f}",
        "laws that tie with it": ", ".join(tied) or "none",
        "softmax behind the best (nats per 1000 spikes)": "0"
        if softmax is report.best
        else f"{1e3 * softmax.behind:.2f} ± {1e3 * softmax.behind_se:.2f}",
        "total variation to the softmax": f"{tv.spiking:.4f} ± {tv.se:.4f}",
        "over the sampling floor": f"{tv.ratio:.2f} ± {tv.ratio_se:.2f}",
        "left with infinite spikes (95 %)": f"{tv.bias_low:.3f} to {tv.bias_high:.3f}",
        f"spikes over expected, weights < {WEAK:g}": _over_expected(compared, compared.weights < WEAK),
        f"the same, weights > {STRONG:g}": _over_expected(compared, compared.weights > STRONG),
    }


def _over_expected(compared: Comparison, keys: np.ndarray) -> str:
    """Spikes of some keys over what the softmax expects at each row's total."""
    counts = compared.selection.counts
    expected = compared.weights * counts.sum(axis=1, keepdims=True)
    return f"{counts[keys].sum() / expected[keys].sum():.2f}"


def _in_words(best: LawFit) -> str:
    shape = [e for e in best.estimates if e.name not in ("beta", "lapse")]
    return ", ".join([best.law.name, *(f"{e.name} {e.value:.2f} ± {e.se_quasi:.2f}" for e in shape)])
