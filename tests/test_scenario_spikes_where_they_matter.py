"""spikes-where-they-matter with a small random model: what the law predicts, what is chosen, what is compared."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

pytest.importorskip("transformers", reason="needs the extra hf")

from hf_models import TEXT, built, saved

from scenarios.spikes_where_they_matter import Params, run
from scenarios.spikes_where_they_matter.plans import plans_of
from scenarios.spikes_where_they_matter.sensitivity import Needs, curvature
from scenarios.workbench.causal import load_causal, windows_of
from scenarios.workbench.errors import UsageError
from scenarios.workbench.outcome import Outcome, RunContext
from scenarios.workbench.progress import silent
from scenarios.workbench.style import style


@pytest.fixture(scope="module")
def params(tmp_path_factory: pytest.TempPathFactory) -> Params:
    folder = tmp_path_factory.mktemp("lm")
    (folder / "text.txt").write_text(f"{TEXT} " * 12, encoding="utf-8")
    return Params(
        model=saved(folder / "model", built("gpt2")), text_file=str(folder / "text.txt"), choose=2, windows=6,
        length=16, spikes=(32, 128), leads=(4,), prompt="the cat sat on", new_tokens=5, sentence_model="none",
    )  # fmt: skip


def context() -> RunContext:
    return RunContext(rng=np.random.default_rng(1), progress=silent())


@pytest.fixture(scope="module")
def outcome(params: Params) -> Outcome:
    return run(params, context())


def test_the_split_beats_even_budgets_of_regular_cells_at_as_many_spikes(outcome: Outcome) -> None:
    """Keys bring most of it; random cells gain at most what the noise of six windows hides."""
    m = outcome.metrics
    for name in ("keys", "keys_and_rows", "split"):
        assert m[f"gain_{name}_32"].value > 1.3
    assert m["gain_random_keys_32"].value < 1.3
    assert m["gain_random_split_32"].value < m["gain_split_32"].value
    assert m["kl_split_128"].value < m["kl_split_32"].value / 4


def test_the_law_predicts_what_is_simulated(outcome: Outcome) -> None:
    """On other windows of a repeating text, within half: rows end above their budget, and f is not uniform."""
    for plan in ("even, 128 a row", "keys, 128 a row", "random cells, even, 32 a row"):
        law = float(outcome.dataset.law.sel(plan=plan).mean())
        assert float(outcome.dataset.kl.sel(trial=plan).mean()) == pytest.approx(law, rel=0.5)


def test_mean_spikes_are_near_those_asked_for(outcome: Outcome) -> None:
    """To the steps of the budgets, and the spikes with which a row's last step overfills them."""
    for split in ("even", "keys", "split"):
        assert outcome.metrics[f"spent_{split}_128"].value == pytest.approx(130, rel=0.12)


def test_the_curvature_is_the_kl_of_a_small_error(params: Params) -> None:
    """Against the KL of weights that are moved, in the mean over directions; the last layer of one window."""
    from bridge import swap
    from pragmatic import dot_product_head

    pretrained = load_causal(params.model)
    window = windows_of(pretrained, f"{TEXT} " * 4, 2, 16)[0]
    rng = np.random.default_rng(0)
    many = [list(curvature(pretrained.model, window, rng)) for _ in range(20)]
    cost = torch.stack([layers[-1].cost for layers in many]).mean(0)
    p = many[0][-1].log_weights.exp()
    size, kls = 0.02, []
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        exact = pretrained.model(window[None]).logits[0, :-1].log_softmax(-1)
    for _ in range(60):
        noise = size * torch.randn(p.shape, generator=generator) * (p > 0)
        noise -= p * noise.sum(-1, keepdim=True)  # the rows still sum to one

        def moved(
            scores: torch.Tensor, mask: torch.Tensor | None = None, by: torch.Tensor = noise
        ) -> torch.Tensor:
            blocked = scores if mask is None else scores.masked_fill(~mask, -torch.inf)
            return blocked.softmax(-1) + by

        with swap(pretrained.model, heads="1.*", head=dot_product_head(moved)), torch.no_grad():
            log_p = pretrained.model(window[None]).logits[0, :-1].log_softmax(-1)
        kls.append(float((exact.exp() * (exact - log_p)).sum(-1).mean()))
    law = 0.5 * size**2 * float((cost * (p > 0)).sum())
    assert np.mean(kls) == pytest.approx(law, rel=0.25)  # 20 draws of tokens and 60 of errors


def test_scales_have_the_mean_asked_for_and_follow_the_cube_root(params: Params) -> None:
    rng = np.random.default_rng(0)
    needs = Needs(n_heads=[2, 2], spread=rng.uniform(1, 3, (4, 16)), cost=np.array([1.0, 8.0, 64.0, 1.0]))
    plans = {plan.label: plan for plan in plans_of(params, needs) if plan.split != "lead"}
    split = plans["split, 32 a row"]
    assert (split.scale[:, None] * needs.spread).mean() == pytest.approx(32)
    np.testing.assert_allclose(split.scale / split.scale[0], [1, 2, 4, 1], rtol=1e-6)
    assert plans["heads, 32 a row"].scale.mean() == pytest.approx(32)
    assert set(plans["even, 128 a row"].scale) == {128.0}


def test_spikes_of_every_token_are_kept(outcome: Outcome, params: Params) -> None:
    written = outcome.dataset.token_spikes.values
    assert len(written) == params.new_tokens
    assert (written > 1).all()


def test_figures_draw(outcome: Outcome) -> None:
    assert set(outcome.pictures) == {"loss", "places", "text"}
    with style():
        for picture in outcome.pictures.values():
            picture.draw().canvas.draw()


def test_a_text_without_windows_to_judge_is_refused(params: Params, tmp_path: Path) -> None:
    (tmp_path / "short.txt").write_text(f"{TEXT} " * 2, encoding="utf-8")
    with pytest.raises(UsageError, match="text must hold two windows of 16 tokens after the 2"):
        run(replace(params, text_file=str(tmp_path / "short.txt")), context())
