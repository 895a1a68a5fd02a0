"""Heads that share a circuit in gamma cycles, the buffer of Lisman and Idiart, and the fit of what mixes."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch

from bridge.heads.slotted import SlottedScoreMap
from bridge.laws.mixing import fit_mixture
from bridge.laws.softmax_fit import fit_softmax
from spiking import Brian2, Fused, GammaParams
from spiking.circuits.hops import Hops, two_slots
from spiking.circuits.slots import SlottedCircuit
from spiking.circuits.theta_gamma import Buffer
from spiking.networks import simulate_circuit

SMALL = SlottedCircuit(params=GammaParams.brief(gain=1.0), n_slots=3)


def test_known_coefficients_come_back_within_their_errors() -> None:
    """Four standard errors: of the coefficients, and of a dispersion with 1500 degrees of freedom, .037 each."""
    rng = np.random.default_rng(0)
    scores = rng.normal(0, 1.5, (3, 300, 6))
    true = np.array([1.0, 0.3, -0.2])
    logits = np.tensordot(true, scores, axes=1)
    weights = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    fitted = fit_mixture(rng.multinomial(40, weights), scores)
    assert (np.abs(fitted.coefficients - true) < 4 * fitted.errors).all()
    assert (fitted.errors < 0.05).all()
    assert fitted.dispersion == pytest.approx(1, abs=0.15)


def test_with_one_vector_it_is_the_softmax_fit_and_masked_keys_count_for_nothing() -> None:
    rng = np.random.default_rng(1)
    scores = rng.normal(0, 1, (50, 4))
    mask = np.ones((50, 4), dtype=bool)
    mask[::2, 3] = False
    weights = np.where(mask, np.exp(scores), 0)
    counts = rng.multinomial(30, weights / weights.sum(axis=1, keepdims=True))
    fitted, softmax = fit_mixture(counts, scores[None], mask), fit_softmax(counts, scores, mask)
    assert fitted.coefficients[0] == pytest.approx(softmax.beta, rel=1e-6)
    assert fitted.errors[0] == pytest.approx(softmax.beta_se_quasi, rel=1e-6)
    with pytest.raises(ValueError, match="scores must be"):
        fit_mixture(counts, scores, mask)


def test_each_slot_selects_by_its_own_scores_and_hears_little_of_the_one_before() -> None:
    """A cycle of 25 ms leaves .13 of a score on the membranes; coefficients have errors of .014, ratios of .02."""
    rng = np.random.default_rng(2)
    scores = rng.normal(0, 1.5, (150, 3, 6))
    selected = SMALL.attend(scores, rng=rng, periods=2)
    assert (selected.counts.sum(axis=2) > 0).all()
    vectors = scores.swapaxes(0, 1)
    for slot in range(3):
        fitted = fit_mixture(selected.counts[:, slot], vectors)
        assert fitted.coefficients[slot] == pytest.approx(0.66, abs=0.08)
        before = fitted.coefficients[slot - 1] / fitted.coefficients[slot]
        assert before == pytest.approx(0.125, abs=0.06)


def test_both_engines_share_a_slotted_circuit_alike() -> None:
    """Mean spikes of a slot and share of the best key, 4.5 joint standard errors."""
    scores = np.tile(np.array([[2.0, 0.0, -1.0], [0.0, 1.0, 0.0], [-1.0, 0.0, 2.0]]), (40, 1, 1))
    ours, theirs = (
        SMALL.attend(scores[:n], rng=np.random.default_rng(seed), **engine).counts
        for n, seed, engine in ((40, 3, {}), (16, 4, {"engine": Brian2()}))
    )
    for slot, best in ((0, 0), (2, 2)):
        for measure in (lambda c: c.sum(axis=1), lambda c, k=best: c[:, k] / c.sum(axis=1)):
            heard = [c[c[:, slot].sum(axis=1) > 0] for c in (ours, theirs)]
            a, b = (np.asarray(measure(c[:, slot]), dtype=float) for c in heard)
            error = np.hypot(a.std() / len(a) ** 0.5, b.std() / len(b) ** 0.5)
            assert abs(a.mean() - b.mean()) < 4.5 * error + 1e-9


def test_masked_keys_stay_silent_in_all_slots() -> None:
    scores = np.zeros((2, 3, 4))
    mask = np.array([[True, True, False, True], [True, False, True, True]])
    counts = SMALL.attend(scores, rng=np.random.default_rng(5), mask=mask).counts
    assert counts[0, :, 2].sum() == counts[1, :, 1].sum() == 0
    assert counts.sum() > 0


def test_the_score_map_gives_every_head_its_slot() -> None:
    rng = np.random.default_rng(6)
    score_map = SlottedScoreMap(SMALL, rng, periods=3)
    scores = torch.zeros(2, 3, 4, 5)
    for head in range(3):
        scores[:, head, :, head] = 4.0
    weights = score_map(scores, torch.ones(2, 1, 1, 5, dtype=torch.bool))
    assert weights.shape == scores.shape
    torch.testing.assert_close(weights.sum(-1), torch.ones(2, 3, 4))
    assert (weights.argmax(-1) == torch.arange(3)[None, :, None]).float().mean() > 0.95
    assert score_map.rows == 24
    assert score_map.spikes > 0


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: SMALL.attend(np.zeros((2, 4, 3)), rng=np.random.default_rng(0)), "3 slots"),
        (lambda: SlottedCircuit(n_slots=0), "n_slots"),
        (lambda: SlottedCircuit(open_ms=30.0), "open_ms"),
        (lambda: SlottedScoreMap(SMALL, np.random.default_rng(0))(torch.zeros(2, 4, 3)), "3 heads"),
        (
            lambda: SlottedScoreMap(SMALL, np.random.default_rng(0))(
                torch.zeros(3, 1, 2), torch.tensor([[[True, True]], [[True, False]], [[True, True]]])
            ),
            "the same for all heads",
        ),
        (lambda: Buffer(n_items=0), "n_items"),
    ],
)
def test_what_cannot_share_is_refused(call, says: str) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(ValueError, match=says):
        call()


def test_the_buffer_plays_its_items_in_order_a_gamma_cycle_apart() -> None:
    """Deterministic: the reference run has 8 items some 9 ms apart."""
    buffer = Buffer(n_items=8)
    ran = simulate_circuit(
        buffer.build, duration_ms=5 * buffer.period_ms, rng=np.random.default_rng(0), record=["units"]
    )
    spikes = ran.spikes["units"]
    last = spikes.time_ms > 4 * buffer.period_ms
    assert spikes.cell[last].tolist() == list(range(8))
    assert np.diff(spikes.time_ms[last]).mean() == pytest.approx(9.4, abs=0.5)


def test_a_slot_reads_what_the_one_before_hands_on_alike_on_both_engines() -> None:
    """A ring of three: slot 2's best key is the next one. Shares within 4.5 joint standard errors."""
    first = np.tile([3.0, 0.0, 0.0], (30, 1))
    onward = np.tile(4.0 * np.roll(np.eye(3), 1, axis=1), (30, 1, 1))
    shares = []
    for n, seed, engine in ((30, 8, Fused()), (12, 9, Brian2())):
        counts = Hops().attend(first[:n], onward[:n], rng=np.random.default_rng(seed), engine=engine).counts
        heard = counts[(counts.sum(axis=2) > 0).all(axis=1)]
        shares.append(heard[:, [0, 1], [0, 1]] / heard.sum(axis=2))
    fused, brian2 = shares
    assert (fused.mean(axis=0) > 0.6).all()
    error = np.sqrt(fused.var(axis=0) / len(fused) + brian2.var(axis=0) / len(brian2))
    assert (np.abs(fused.mean(axis=0) - brian2.mean(axis=0)) < 4.5 * error).all()


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: Hops(slotted=SlottedCircuit(n_slots=1)), "Hops.slotted must have two slots or more"),
        (lambda: Hops(slotted=SlottedCircuit(tau_nmda_ms=20.0)), "no NMDA, got 4 slots and 20 ms"),
        (lambda: Hops(spikes=0.0), r"Hops\.spikes must be > 0"),
        (
            lambda: Hops().attend(np.zeros((2, 3)), np.zeros((2, 3, 2)), rng=np.random.default_rng(0)),
            r"onward must be finite and \(2, 3, 3\)",
        ),
    ],
)
def test_hops_need_slots_and_a_score_from_each_key_to_each(make: Callable[[], object], says: str) -> None:
    assert two_slots().n_slots == 2
    with pytest.raises(ValueError, match=says):
        make()
