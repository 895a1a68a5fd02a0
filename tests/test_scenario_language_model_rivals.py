"""language-model-rivals with a small random model: what each must lose by theory, costs, refusals, resumption."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

pytest.importorskip("transformers", reason="needs the extra hf")

from hf_models import TEXT, built, saved

from scenarios.language_model_rivals import Params, run
from scenarios.language_model_rivals.undivided import UndividedHead
from scenarios.workbench.errors import UsageError
from scenarios.workbench.outcome import Outcome, RunContext
from scenarios.workbench.progress import silent
from scenarios.workbench.style import style
from scenarios.workbench.unfinished import Unfinished
from spiking import EventDriven, GammaCircuit, GammaParams


@pytest.fixture(scope="module")
def params(tmp_path_factory: pytest.TempPathFactory) -> Params:
    folder = tmp_path_factory.mktemp("lm")
    (folder / "text.txt").write_text(f"{TEXT} " * 8, encoding="utf-8")
    return Params(
        model=saved(folder / "model", built("gpt2")), text_file=str(folder / "text.txt"), windows=3, length=16,
        spikes=32, seeds=2, fit_windows=2, fit_rows=60,
    )  # fmt: skip


def context(seed: int = 1, unfinished: Unfinished | None = None) -> RunContext:
    return RunContext(rng=np.random.default_rng(seed), progress=silent(), unfinished=unfinished)


@pytest.fixture(scope="module")
def outcome(params: Params) -> Outcome:
    return run(params, context())


def test_noise_and_bias_cost_what_theory_says(outcome: Outcome) -> None:
    """The nearest counts beat regular spikes, which beat samples; as many keys as there are lose nothing."""
    kl = {name: metric.value for name, metric in outcome.metrics.items() if name.startswith("kl")}
    assert kl["kl_counts"] < kl["kl"] < kl["kl_samples"] / 3
    assert kl["kl_samples"] < kl["kl_uniform"]
    assert kl["kl_top_k"] == pytest.approx(0, abs=1e-6)


def test_the_rhythm_makes_no_difference_to_what_a_spike_says(outcome: Outcome) -> None:
    """The race law holds whatever the common time course; a random cell more or less is worth a third here."""
    m = outcome.metrics
    for name in ("off", "slow"):
        assert m[f"kl_{name}"].value == pytest.approx(m["kl"].value, rel=0.5)


def test_the_loop_holds_totals_that_sums_need(outcome: Outcome) -> None:
    m = outcome.metrics
    assert m["cv_summed"].value < m["cv_summed_off"].value / 1.5
    assert m["kl_summed"].value < m["kl_summed_off"].value
    assert m["rhythmic_summed"].value > m["rhythmic_summed_off"].value + 0.4


def test_what_rivals_read_and_spend(outcome: Outcome, params: Params) -> None:
    m = outcome.metrics
    assert m["keys_hardmax"].value == pytest.approx(1, abs=0.05)  # keys that tie share
    assert m["keys_uniform"].value == pytest.approx((params.length + 1) / 2)
    assert m["keys_samples"].value < m["keys"].value + 1
    assert m["keys_top_read"].value <= m["keys"].value + 0.5  # rows with fewer keys have no more to read
    assert params.spikes <= m["spent"].value < params.spikes + 4
    assert m["spent_summed"].value == pytest.approx(
        params.spikes, rel=0.25
    )  # on other rows than it was set for
    assert "spent_counts" not in m
    assert m["operations_diffusive"].value > m["operations"].value > 1
    assert m["hardware"].value > m["joules"].value


def test_rivals_are_judged_by_their_kl(outcome: Outcome, params: Params) -> None:
    """Windows of one text differ less than a circuit and uniform attention do."""
    assert "uniform (" in outcome.verdict.split("clearly farther")[0]
    assert "with as many independent samples of the softmax (clearly more)" in outcome.verdict


def test_noise_has_seeds_and_no_noise_has_one(outcome: Outcome, params: Params) -> None:
    loss = outcome.dataset.loss
    assert int(np.isfinite(loss.sel(attention="samples", window=0)).sum()) == params.seeds
    assert int(np.isfinite(loss.sel(attention="counts", window=0)).sum()) == 1
    assert int(np.isfinite(loss.sel(attention="diffusive", seed=0)).sum()) == params.slow_windows
    assert float(abs(loss.sel(attention="samples", seed=0) - loss.sel(attention="samples", seed=1)).max()) > 0


def test_report_and_figures(outcome: Outcome) -> None:
    assert "Where every row has the same time and its values are summed" in outcome.verdict
    assert "in place of the gamma loop" in outcome.verdict
    with style():
        for picture in outcome.pictures.values():
            picture.draw().canvas.draw()


def test_few_rivals_and_an_interruption(params: Params, tmp_path: Path) -> None:
    few = replace(params, rivals=("regular", "top_k"), seeds=1)
    whole = run(few, context())
    assert set(whole.pictures) == {"table"}
    assert "summed" not in whole.verdict

    class Interrupted(Exception):
        pass

    def stop(fraction: float, label: str | None = None) -> None:
        if label == "window 2 of 3":
            raise Interrupted

    class Halting:
        def stage(self, label: str, share: float = 1.0) -> object:
            return silent().stage(label, share) if label != "windows" else _Stage()

    class _Stage:
        def __enter__(self) -> object:
            return stop

        def __exit__(self, *about: object) -> None: ...

    unfinished = Unfinished(tmp_path / "unfinished")
    halted = replace(context(unfinished=unfinished), progress=Halting())  # type: ignore[arg-type]
    with pytest.raises(Interrupted):
        run(few, halted)
    again = run(few, context(unfinished=unfinished))
    np.testing.assert_array_equal(again.dataset.loss, whole.dataset.loss)


def test_values_are_divided_by_one_number_for_all_rows() -> None:
    circuit = GammaCircuit(GammaParams.regular_brief())
    head = UndividedHead(circuit, duration_ms=50.0, usual=100.0, engine=EventDriven(), seed=0)
    query, key, value = torch.randn(3, 1, 2, 5, 8, generator=torch.Generator().manual_seed(0))
    output, weights = head(query, key, value)
    totals = weights.sum(-1) * 100
    assert float(totals.sum()) == pytest.approx(head.score_map.usage.spikes)
    torch.testing.assert_close(totals, totals.round(), atol=1e-3, rtol=0)
    torch.testing.assert_close(output, weights @ value)


def test_bits_hold_what_spikes_can_say() -> None:
    """64 spikes over 64 keys: 124 bits, two of each key; one spike: 6 bits, and a key has no fewer than one."""
    assert Params(spikes=64, length=128).bits == 2
    assert Params(spikes=1, length=128).bits == 1


def test_bad_input_is_refused(params: Params) -> None:
    with pytest.raises(UsageError, match="rivals must have regular among them"):
        Params(rivals=("samples",))
    short = replace(params, windows=2, length=24, text_file=_text(params, 50))
    with pytest.raises(
        UsageError, match="at least three windows of 24 tokens, two to judge and one to fit to, got two"
    ):
        run(short, context())
    two_pools = replace(params, circuit="spiking.circuits.two_pools:TwoPools", rivals=("regular", "off"))
    with pytest.raises(UsageError, match="circuit must be a gamma circuit, whose loop can be cut"):
        run(two_pools, context())


def _text(params: Params, n_words: int) -> str:
    """A file with the first words of the text, two windows of 24 tokens in 50 of them."""
    assert params.text_file is not None
    words = Path(params.text_file).read_text(encoding="utf-8").split()
    file = Path(params.text_file).with_name("short.txt")
    file.write_text(" ".join(words[:n_words]), encoding="utf-8")
    return str(file)
