"""`fortyhertz swap`: a model on disk with spiking heads, and what the command understands."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hf_models import TEXT, built, from_class, minilm_folder, saved, transformers

from bridge import SpikingHead
from pragmatic import Softmax, Uniform
from scenarios.swap_model import Params
from scenarios.swap_model.prediction import predict
from scenarios.swap_model.swapped import TakesNotes, plain_pass, swapped_pass
from scenarios.workbench.cli import main
from scenarios.workbench.errors import UsageError
from scenarios.workbench.outcome import RunContext
from scenarios.workbench.pairs import read_pairs
from scenarios.workbench.pretrained import load_pretrained
from scenarios.workbench.progress import silent
from scenarios.workbench.store import read_run
from scenarios.workbench.swap_options import swapped
from spiking import GammaCircuit


def test_a_model_on_disk_with_some_spiking_heads(tmp_path: Path) -> None:
    folder, out = saved(tmp_path / "model", built("gpt2")), tmp_path / "run"
    words = ["swap", folder, "--heads", "0.1,1.*", "--spikes", "16", "--text", TEXT, "--out", str(out)]
    assert main(words) == 0
    run = read_run(out)
    data, metrics = run.dataset(), run.metrics
    assert list(data.layer.values) == ["0", "1"]
    assert data.sizes["block"] == 2
    assert 0.3 < metrics["excess"].value < 0.6  # regular cells; 5 heads x 18 rows x 3 draws: 0.01 of scatter
    for name in ("change", "kl"):
        assert 0 < metrics[name].value < metrics[name].control
        assert metrics[name].value < metrics[name].floor  # of independent samples
    assert 16 <= metrics["spikes"].value < 20  # a row ends with its step of 0.5 ms, which may hold several
    assert metrics["silent"].value == 0
    assert list(metrics)[:3] == ["ratio", "kl", "same"]  # what is asked of a language model comes first
    assert run.verdict.startswith("With 5 of the 8 heads (0.1,1.*) in spikes, 16 a row, the perplexity")
    assert metrics["kl_64"].value < metrics["kl"].value < metrics["kl_4"].value  # 4 times the spikes each
    assert {path.stem for path in out.glob("*.png")} == {"prediction", "layers", "row"}
    assert 16 <= len(run.spikes("row").time_ms) < 20


def test_the_loss_of_a_language_model_is_that_of_the_text(tmp_path: Path) -> None:
    pretrained = load_pretrained(saved(tmp_path, built("gpt2")))
    tokens = pretrained.read([TEXT])["input_ids"]
    params = Params(model=str(tmp_path), spikes=1, n_draws=1, n_cells=2)
    context = RunContext(rng=np.random.default_rng(0), progress=silent())
    told = predict(pretrained.model, tokens, params, context)
    assert told.budgets == (1, 4)
    assert told.softmax == pytest.approx(pretrained.model(tokens, labels=tokens).loss.item(), rel=1e-5)


def test_thirty_layers_fit(tmp_path: Path) -> None:
    """The table names those that change most; the figure has all, a tick at every few."""
    out = tmp_path / "run"
    folder = saved(tmp_path / "model", built("bert", num_hidden_layers=30))
    assert main(["swap", folder, "--spikes", "4", "--n-cells", "2", "--text", TEXT, "--out", str(out)]) == 0
    run = read_run(out)
    assert run.dataset().sizes["layer"] == 30
    named = [name for name in run.metrics if name.startswith("weights_")]
    assert len(named) == 6
    furthest = run.dataset().distance.sel(kind="simulated").max()
    assert furthest in [run.metrics[name].value for name in named]


@pytest.mark.parametrize(("name", "n_layers", "n_blocks"), [("vit", 2, 2), ("t5", 6, 4), ("bert", 2, 2)])
def test_other_kinds_of_model_on_disk(name: str, n_layers: int, n_blocks: int, tmp_path: Path) -> None:
    pretrained = load_pretrained(saved(tmp_path, built(name), reads=name != "vit"))
    given = pretrained.read([TEXT])
    plain = plain_pass(pretrained.model, given)
    same, uniform = (
        swapped_pass(pretrained.model, given, heads="all", score_map=score_map, temperature=1.0)
        for score_map in (Softmax(), Uniform())
    )
    assert len(same.distance) == n_layers
    assert len(same.hidden) == n_blocks
    assert same.change(plain) <= 1e-5
    assert same.hidden_change(plain).max() <= 1e-5
    assert same.distance.max() <= 1e-6
    assert uniform.change(plain) > 0.01
    assert (uniform.distance > 0.01).all()
    assert np.isnan(uniform.floor).all()


def test_exact_samples_lie_at_their_floor() -> None:
    head = SpikingHead(GammaCircuit(), spikes=20, mode="sampled")
    notes = TakesNotes(head.score_map)
    scores = torch.randn(4000, 6, generator=torch.Generator().manual_seed(0))
    notes(scores, torch.arange(6) < 5)
    assert notes.distance[0] == pytest.approx(notes.floor[0], rel=0.02)  # 4000 rows: 0.006 of scatter


PAIRS = (
    "5\tA man plays a guitar.\tA man is playing the guitar.\n\n"
    "3\tA child eats an apple.\tA boy is eating fruit.\n"
    "1.5\tThe sun is bright today.\tThe train was late again.\n"
    "0\tA cat sleeps on the sofa.\tStocks fell sharply on Monday.\n"
)


def test_pairs_of_sentences_go_to_their_scenario_with_the_chosen_heads(tmp_path: Path) -> None:
    minilm_folder()
    pairs, out = tmp_path / "pairs.tsv", tmp_path / "run"
    pairs.write_text(PAIRS, encoding="utf-8")
    words = [
        "swap",
        "minilm",
        "--heads",
        "0.1,3.*",
        "--pairs",
        str(pairs),
        "--spikes",
        "4",
        "--out",
        str(out),
    ]
    assert main(words) == 0
    told = read_run(out).provenance
    assert told.scenario == "minilm-on-gamma"
    assert told.parameters["heads"] == "0.1,3.*"
    assert told.parameters["spikes"] == told.parameters["sampled"] == [4]


def test_pairs_go_through_a_decoder_without_a_padding_token(tmp_path: Path) -> None:
    """Its last hidden states are averaged; that an untrained one ranks nothing is the verdict's first sentence."""
    folder, pairs, out = (
        saved(tmp_path / "model", built("gpt2"), pads=False),
        tmp_path / "p.tsv",
        tmp_path / "run",
    )
    words = TEXT.split()
    lines = [f"{i}\t{words[i]} {words[0]}\t{' '.join(words[i : i + 4])}\n" for i in range(8)]
    pairs.write_text("".join(lines), encoding="utf-8")
    assert main(["swap", folder, "--pairs", str(pairs), "--spikes", "4", "--out", str(out)]) == 0
    run = read_run(out)
    assert np.isfinite(run.dataset().similarity).all()
    assert run.verdict.startswith("With its own softmax the model does not clearly rank these 8 pairs")


def test_pairs_are_refused_by_a_model_that_writes_another_sequence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = saved(tmp_path / "model", transformers.T5ForConditionalGeneration(built("t5").config))
    pairs = tmp_path / "p.tsv"
    pairs.write_text(PAIRS, encoding="utf-8")
    refused(["swap", folder, "--pairs", str(pairs)], "pairs need one hidden state", tmp_path, capsys)


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("2 a cat\ta dog", "got 2 fields in line 6"),
        ("2\ta cat\t", "got an empty field in line 6"),
        ("high\ta cat\ta dog", "must be a finite number, got 'high' in line 6"),
        ("nan\ta cat\ta dog", "must be a finite number, got 'nan' in line 6"),
    ],
)
def test_a_bad_line_of_pairs_is_named(line: str, says: str, tmp_path: Path) -> None:
    path = tmp_path / "pairs.tsv"
    path.write_text(PAIRS, encoding="utf-8")
    pairs = read_pairs(path)
    assert pairs.score.tolist() == [5, 3, 1.5, 0]
    assert pairs.second[1] == "A boy is eating fruit."
    path.write_text(PAIRS + line + "\n", encoding="utf-8")
    with pytest.raises(UsageError, match=says):
        read_pairs(path)


# What the command understands


@pytest.mark.parametrize(
    ("values", "scenario", "parameters"),
    [
        (
            {"model": "mini", "task": "recall", "heads": "all", "spikes": 64},
            "head-swap",
            {"task": "recall", "heads": "all", "spikes": (64,)},
        ),
        ({"model": "mini", "text_file": "a.txt"}, "head-swap", {"text": "a.txt"}),
        ({"model": "minilm", "heads": "0.1"}, "swap-model", {"model": "minilm", "heads": "0.1"}),
        (
            {"model": "smollm2", "spikes": 16, "text_file": "a.txt"},
            "language-model-on-gamma",
            {"model": "smollm2", "spikes": (16,), "text_file": "a.txt", "layer_spikes": 0},
        ),
        (
            {"model": ".", "minimal_pairs": "p.tsv"},
            "language-model-on-gamma",
            {"model": ".", "minimal_pairs": "p.tsv", "spikes": (64,), "layer_spikes": 0},
        ),
        (
            {"model": "minilm", "pairs": "p.tsv", "spikes": 8},
            "minilm-on-gamma",
            {"model": "minilm", "pairs": "p.tsv", "spikes": (8,), "sampled": (8,), "layer_spikes": 0},
        ),
    ],
)
def test_the_model_tells_the_scenario(
    values: dict[str, Any], scenario: str, parameters: dict[str, Any]
) -> None:
    chosen = swapped(values)
    assert (chosen.scenario, chosen.values) == (scenario, parameters)


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({"model": "gpt5"}, "model must be mini, minilm, smollm2, a .gguf file or a folder, got gpt5"),
        ({"model": "minilm", "task": "recall"}, "--task must go with mini, got minilm"),
        ({"model": "mini", "pairs": "p.tsv"}, "--pairs must go with minilm or a folder, got mini"),
        ({"model": "minilm", "pairs": "p.tsv", "text": "a"}, "--text must go with a model without --pairs"),
        ({"model": "minilm", "text": "a", "text_file": "b"}, "text must come once"),
        ({"model": "mini", "minimal_pairs": "p"}, "--minimal-pairs must go with a language model, got mini"),
        ({"model": "smollm2", "pairs": "p.tsv"}, "--pairs must go with another model, got smollm2"),
    ],
)
def test_options_that_do_not_go_together_are_refused(values: dict[str, Any], says: str) -> None:
    with pytest.raises(UsageError, match=says):
        swapped(values)


def refused(words: list[str], says: str, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = folder / "run"
    assert main([*words, "--out", str(out)]) == 2
    error = capsys.readouterr().err
    assert says in error
    assert not out.exists()


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--text", TEXT, "--heads", "0.4"], "no head 0.4 in this model; it has 0.0 to 0.3, 1.0 to 1.3"),
        (["--text", TEXT, "--heads", "first"], 'heads must be "all" or layer.head'),
        (["--text", "  "], "text must not be empty"),
        (
            ["--text", "cat " * 25],
            "at most 24 tokens, got 25; give it in windows, each as a separate run with about 24 words",
        ),
        (["--spikes", "0"], "spikes must be"),
        (["--pairs", "absent.tsv"], "pairs must be a file, got absent.tsv"),
    ],
)
def test_bad_input_is_said_in_a_line_and_nothing_is_written(
    words: list[str], says: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = saved(tmp_path / "model", built("gpt2"))
    refused(["swap", folder, *words], says, tmp_path, capsys)


def test_a_model_without_the_interface_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bloom = from_class("BloomModel", {"vocab_size": 61, "hidden_size": 32, "n_layer": 1, "n_head": 4})
    folder = saved(tmp_path / "model", bloom)
    refused(["swap", folder], "BloomModel must ask the attention interface", tmp_path, capsys)


def test_a_folder_without_a_model_or_tokenizer_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    refused(["swap", str(tmp_path)], "a folder with a config.json", tmp_path, capsys)
    folder = saved(tmp_path / "model", built("gpt2"), reads=False)
    refused(["swap", folder], "model must come with the tokenizer", tmp_path, capsys)
