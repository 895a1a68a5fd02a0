"""Sentences of shared-workspace, each decided by the numbers of the run."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from scipy import stats

from scenarios.shared_workspace.measures import Study, chooser
from scenarios.workbench.outcome import Metric, Words
from scenarios.workbench.sentences import choose, listed, words
from scenarios.workbench.statistics import Estimate, clear, mean

__all__ = ["in_words"]


def in_words(study: Study, metrics: Mapping[str, Metric]) -> Words:
    """Near, far, seed by seed, controls, circuits."""
    compared = {f"near {over}": _of_few(study.gains(over, study.near)) for over in ("attention", "soft")}
    compared |= {over: _of_few(study.gains(over)) for over in ("attention", "own", "top", "soft", "random")}
    chosen = study.results.chosen
    compared |= {
        chooser(reader): _of_few(shares[:, -1] - study.results.kinds["hard"][:, -1])
        for reader, shares in chosen.items()
    }
    signs = clear(compared)
    far, bottleneck, spikes = (
        _on_far(study, metrics, signs),
        _on_bottleneck(metrics, signs),
        _on_spikes(study, signs),
    )
    return words(
        _on_near(study, metrics, signs),
        far,
        _on_seeds(study),
        bottleneck,
        spikes,
        short=(far, bottleneck, spikes),
    )


def _of_few(values: np.ndarray) -> Estimate:
    """A mean over few seeds, its error widened as Student's distribution is wider than the normal one at 95 %."""
    estimate = mean(values)
    wider = stats.t.ppf(0.975, max(len(values) - 1, 1)) / stats.norm.ppf(0.975)
    return Estimate(value=estimate.value, error=float(estimate.error * wider))


def _on_near(study: Study, metrics: Mapping[str, Metric], signs: Mapping[str, int]) -> str:
    n = study.params.test_others[study.near]
    said = choose(signs["near attention"], "more than", "not clearly more than", "less than")
    return (
        f"With {n} other points, as in training, a workspace into which the {study.params.writers} best write is "
        f"right in {metrics['near_hard']}, {said} attention between all pairs ({metrics['near_attention']})."
    )


def _on_far(study: Study, metrics: Mapping[str, Metric], signs: Mapping[str, int]) -> str:
    n = study.params.test_others[-1]
    gain = choose(
        signs["attention"], "generalises better", "does not clearly generalise better", "generalises worse"
    )
    own = choose(signs["own"], "above", "no clear difference from", "below")
    return (
        f"With {n} other points the narrow workspace {gain} than attention: {metrics['far_hard']} against "
        f"{metrics['far_attention']}, {metrics['far_own']} where each layer has its own weights ({own} these), "
        f"{metrics['far_top']} where attention reads the k best."
    )


def _on_seeds(study: Study) -> str:
    gains = [f"{gain:+.3f}" for gain in study.gains("attention")]
    return f"Seed by seed the gain over attention is {listed(gains)}."


def _on_bottleneck(metrics: Mapping[str, Metric], signs: Mapping[str, int]) -> str:
    """Whether the gain is the bottleneck's or the workspace's."""
    said = choose(
        signs["soft"],
        "so the gain is the bottleneck's, not that of slots and gates",
        "so how much of the gain is the bottleneck's is not clear",
        "so the bottleneck costs what slots and gates give",
    )
    return (
        f"The same workspace into which all write has {metrics['far_soft']} there, {said}; with writers by chance "
        f"it has {metrics['far_random']}."
    )


def _on_spikes(study: Study, signs: Mapping[str, int]) -> str:
    if not study.results.chosen:
        return ""
    said = [
        f"{mean(shares[:, -1])} by the {chooser(reader)}"
        f"{choose(signs[chooser(reader)], ' (better)', '', ' (worse)')}"
        for reader, shares in study.results.chosen.items()
    ]
    return f"When spikes choose the writers after training it has {listed(said)}."
