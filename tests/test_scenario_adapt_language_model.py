"""adapt-language-model with a small random model: the same batches for every arm, resumption, the saved adapter."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

pytest.importorskip("transformers", reason="needs the extra hf")
pytest.importorskip("peft", reason="needs the extra adapt")

from hf_models import TEXT, built, saved

from scenarios.adapt_language_model import Params, plan_of, run
from scenarios.adapt_language_model.adapter import Adapter
from scenarios.adapt_language_model.learning import Learnt, Plan, learn
from scenarios.adapt_language_model.measures import AS_IS, SOFTMAX, Study, in_numbers
from scenarios.adapt_language_model.words import in_words
from scenarios.workbench.causal import load_causal, text_of, windows_of
from scenarios.workbench.errors import UsageError, describe
from scenarios.workbench.outcome import Outcome, RunContext
from scenarios.workbench.progress import silent
from scenarios.workbench.style import style
from scenarios.workbench.unfinished import Unfinished


@pytest.fixture(scope="module")
def params(tmp_path_factory: pytest.TempPathFactory) -> Params:
    folder, known = tmp_path_factory.mktemp("adapt"), TEXT.split()
    text = " ".join(np.random.default_rng(0).choice(known, 400))
    (folder / "text.txt").write_text(text, encoding="utf-8")
    return Params(
        model=saved(folder / "model", built("llama")), text_file=str(folder / "text.txt"), windows=6, length=16,
        train_spikes=(4,), spikes=(64,), iterations=12, stages=2, batch=2, rank=2, learning_rate=0.02,
    )  # fmt: skip


def context(seed: int = 1, unfinished: Unfinished | None = None) -> RunContext:
    return RunContext(rng=np.random.default_rng(seed), progress=silent(), unfinished=unfinished)


@pytest.fixture(scope="module")
def outcome(params: Params) -> Outcome:
    return run(params, context())


def test_arms_learn_from_the_same_batches_and_differ_by_the_spikes(outcome: Outcome) -> None:
    """At first by their noise alone, later by what it taught."""
    batches = outcome.dataset.batch_loss
    first = float(batches.sel(arm="4 spikes")[0] - batches.sel(arm=SOFTMAX)[0])
    assert 0 < abs(first) < 0.5
    assert np.corrcoef(batches)[0, 1] > 0.6  # of 12 other batches: 0 +- .3
    loss = outcome.dataset.loss
    np.testing.assert_array_equal(loss.sel(steps=0, arm=SOFTMAX), loss.sel(steps=0, arm="4 spikes"))
    assert float(abs(loss.sel(steps=12, spikes=0).diff("arm")).min()) > 0


def adapted(params: Params) -> tuple[Any, Adapter]:
    model = load_causal(params.model).model
    return model, Adapter(model, params.rank, params.targets, np.random.default_rng(0))


def plan(params: Params, base: int = 5) -> Plan:
    pretrained = load_causal(params.model)
    return plan_of(params, windows_of(pretrained, text_of(params.text_file), 100, params.length), base)


def test_steps_through_spikes_learn_a_text_by_heart(params: Params) -> None:
    """One window alone, by queries and keys: the gradient through the spikes points the right way."""
    params = replace(params, iterations=40, learning_rate=0.05, rank=8)
    (model, adapter), ctx = adapted(params), context()
    one = replace(plan(params), windows=plan(params).windows[:1])
    learnt = learn(model, adapter, params.trial(ctx, 16, gradient=True), one, ctx)
    assert np.mean(learnt.losses[-5:]) < np.mean(learnt.losses[:5]) - 0.3


def test_what_is_learnt_is_counted(outcome: Outcome) -> None:
    assert outcome.metrics["weights"].value == 2 * 2 * (
        2 * 32 + 32 + 16
    )  # layers, rank; q 32 to 32, k 32 to 16
    assert outcome.metrics["read"].value == pytest.approx(12 * 2 / 19)


def test_the_saved_adapter_is_what_the_spiking_arm_has_learnt(
    outcome: Outcome, params: Params, tmp_path: Path
) -> None:
    """Learnt again from the run's own seed, and read from the run folder by `peft` itself."""
    from peft import PeftModel

    for name, write in outcome.files.items():
        write(tmp_path / name)
    plain, (model, adapter) = load_causal(params.model).model, adapted(params)
    again = plan(params, base=int(np.random.default_rng(1).integers(2**31)))
    ctx = context()
    learnt = learn(model, adapter, params.trial(ctx, 4, gradient=True), again, ctx)
    adapter.put(learnt.stages[12])
    window = torch.arange(3, 19)[None]
    with torch.no_grad():
        before, ours = plain(window).logits, model(window).logits
        theirs = PeftModel.from_pretrained(plain, str(tmp_path))(window).logits
    assert float((ours - before).abs().max()) > 1e-3
    torch.testing.assert_close(theirs, ours)


def test_an_interrupted_training_ends_with_the_same_weights(params: Params, tmp_path: Path) -> None:
    params = replace(params, iterations=14)
    trial, shared = params.trial(context(), 4, gradient=True), plan(params)

    def learnt(ctx: RunContext) -> Learnt:
        model, adapter = adapted(params)
        return learn(model, adapter, trial, shared, ctx)

    class Interrupted(Exception):
        pass

    def stop(fraction: float, label: str | None = None) -> None:
        if fraction > 12.5 / 14:
            raise Interrupted

    whole, unfinished = learnt(context()), Unfinished(tmp_path / "unfinished")
    with pytest.raises(Interrupted):
        learnt(replace(context(unfinished=unfinished), progress=stop))  # type: ignore[arg-type]
    again = learnt(context(unfinished=unfinished))
    assert again.losses == whole.losses
    assert list(again.stages) == [7, 14]
    for stage, tensors in whole.stages.items():
        for name, tensor in tensors.items():
            torch.testing.assert_close(again.stages[stage][name], tensor, rtol=0, atol=0)


def test_predictions_of_its_own_softmax_as_targets(params: Params) -> None:
    """Learnt by heart again."""
    params = replace(params, iterations=40, learning_rate=0.02, rank=8, objective="own")
    (model, adapter), ctx = adapted(params), context()
    one = replace(plan(params), windows=plan(params).windows[:1])
    learnt = learn(model, adapter, params.trial(ctx, 4, gradient=True), one, ctx)
    with adapter.left_out(), torch.no_grad():
        exact = model(one.batch(0)).logits[:, :-1].log_softmax(-1)
    least = float(-(exact.exp() * exact).sum(-1).mean())  # the entropy of the targets
    before, after = np.mean(learnt.losses[:5]) - least, np.mean(learnt.losses[-5:]) - least
    assert 0 < after < 0.8 * before


def test_each_window_is_read_before_any_is_read_again(params: Params) -> None:
    shared = plan(params)
    n = len(shared.windows)
    read = torch.cat([shared.batch(step) for step in range(n)])  # two windows a step: each twice
    for half in (read[:n], read[n:]):
        assert {tuple(w) for w in half.tolist()} == {tuple(w) for w in shared.windows.tolist()}


def by_hand(params: Params, after: float = 0.02, swapped: float = 0.09) -> Study:
    """As it is 3, spikes cost .1; softmax learns .2; after learning spikes cost `after` with spikes in the loop."""
    rng = np.random.default_rng(0)
    base = 3 + rng.normal(0, 0.3, params.windows)

    def losses(softmax: float, few: float, many: float) -> np.ndarray:
        rows = [base + softmax] + [base + rise + rng.normal(0, 1e-3, params.windows) for rise in (few, many)]
        kls = [0 * base] + [0.9 * abs(row - rows[0]) for row in rows[1:]]
        return np.stack([rows, kls], axis=-1)

    learnt = Learnt(losses=[3.0] * params.iterations, seconds=[9.0, *[2.0] * (params.iterations - 1)])
    middle = {(arm, 6): losses(-0.1, 0, 0) for arm in (SOFTMAX, "4 spikes")}
    return Study(
        params=params,
        arms=(SOFTMAX, "4 spikes"),
        chosen="all 8 heads",
        measured={
            (AS_IS, 0): losses(0, 0.1, 0.01),
            **middle,
            (SOFTMAX, 12): losses(-0.2, -0.2 + swapped, -0.19),
            ("4 spikes", 12): losses(-0.19, -0.2 + after, -0.195),
        },
        learnt={SOFTMAX: learnt, "4 spikes": learnt},
        focus={
            name: rng.normal(mean, 0.01, (2, 4))
            for name, mean in ((AS_IS, 2), (SOFTMAX, 1.9), ("4 spikes", 1.5))
        },
    )


def test_what_is_gone_of_the_rise_by_hand(params: Params) -> None:
    study = by_hand(params)
    metrics = in_numbers(study, 10, 30, np.random.default_rng(1))
    expected = {"before": 0.1, "after": 0.02, "gone": 0.8, "apart": -0.07, "original": -0.18, "learnt": -0.2}
    for name, value in {**expected, "back_4": 0.01, "after_4_at_64": 0.005, "seconds": 2, "times": 1}.items():
        assert metrics[name].value == pytest.approx(value, abs=0.02 if name == "gone" else 2e-3), name
    assert metrics["kl"].value == pytest.approx(0.9 * 0.01, abs=2e-3)
    assert metrics["kl"].control == pytest.approx(0.9 * 0.09, abs=2e-3)
    assert metrics["gone"].control == pytest.approx(0.1, abs=0.02)
    assert metrics["keys_4"].value == pytest.approx(np.exp(1.5), rel=0.02)
    said = in_words(metrics, study)["verdict"]
    assert "Spikes in the loop help more than softmax in it" in said
    assert "clearly less than with softmax in the loop (0.08" in said
    assert "clearly fewer than with softmax in the loop" in said
    assert "is better than softmax as it was" in said


def test_the_verdict_claims_nothing_where_nothing_is_clear(params: Params) -> None:
    study = by_hand(params, after=0.1, swapped=0.1)
    said = in_words(in_numbers(study, 10, 30, np.random.default_rng(1)), study)["verdict"]
    assert "no clear part of the rise is gone" in said
    assert "That spikes in the loop help more than softmax in it is not clear" in said


def test_against_its_own_predictions_the_control_is_the_model_as_it_is(params: Params) -> None:
    own = run(replace(params, objective="own", iterations=2, stages=1), context())
    loss = own.dataset.loss.sel(arm=SOFTMAX)
    np.testing.assert_array_equal(loss.sel(steps=0), loss.sel(steps=2))
    assert own.metrics["after"].control == own.metrics["before"].value
    assert "against the same spikes in the model as it is" in own.verdict
    assert "softmax in the loop" not in own.verdict


def test_the_figure_draws_also_with_one_stage(outcome: Outcome, params: Params) -> None:
    short = run(replace(params, stages=1, iterations=2, train_spikes=(4, 8), spikes=(4,)), context())
    with style():
        for each in (outcome, short):
            assert set(each.pictures) == {"learning"}
            each.pictures["learning"].draw().canvas.draw()


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        (
            {"targets": ("c_attn",)},
            "targets must be linear modules of the model, got c_attn; known: .*q_proj",
        ),
        (
            {"windows": 24},
            "text must hold 24 windows to measure and 2 more to learn from, got 25 of 16 tokens",
        ),
        ({"text_file": "gone.txt"}, "text_file must be a file, got gone.txt"),
    ],
)
def test_what_cannot_be_learnt_from_is_refused(params: Params, changes: dict[str, object], says: str) -> None:
    with pytest.raises(UsageError, match=says):
        run(replace(params, **changes), context())  # type: ignore[arg-type]


def test_without_peft_the_extra_is_named(params: Params, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "peft", None)
    with pytest.raises(ModuleNotFoundError) as caught:
        run(params, context())
    assert "pip install '.[adapt]'" in describe(caught.value)
