"""lm-evaluation-harness with a small random model and tasks of this file: the numbers are the model's own."""

from __future__ import annotations

import json
import tomllib
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import pytest
import torch
from hf_models import TEXT, built, saved, state, transformers

pytest.importorskip("lm_eval", reason="needs the extra: make test-harness")

from lm_eval import simple_evaluate
from lm_eval.api.registry import get_model, model_registry
from lm_eval.tasks import TaskManager

from scenarios.workbench.cli import main
from scenarios.workbench.errors import UsageError
from scenarios.workbench.harness import GammaLM

START, ENDS = "the cat sat on a", [" mat", " moon", " roofs"]
CHOICE = """
task: ends
dataset_path: json
dataset_kwargs: {data_files: {test: DATA}}
test_split: test
output_type: multiple_choice
doc_to_text: "{{start}}"
doc_to_choice: "{{ends}}"
doc_to_target: 0
target_delimiter: ""
"""
ROLLING = """
task: text
dataset_path: json
dataset_kwargs: {data_files: {test: DATA}}
test_split: test
output_type: loglikelihood_rolling
doc_to_text: ""
doc_to_target: "{{text}}"
metric_list: [{metric: word_perplexity, aggregation: weighted_perplexity, higher_is_better: false}]
"""


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> str:
    return saved(tmp_path_factory.mktemp("lm") / "model", built("gpt2"), pads=False)


@pytest.fixture(scope="module")
def tasks(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A folder with a task of endings to choose from and one of a text."""
    folder = tmp_path_factory.mktemp("tasks")
    rows = [{"start": START, "ends": ENDS, "text": " ".join(TEXT.split()[at:])} for at in range(4)]
    (folder / "data.jsonl").write_text("\n".join(map(json.dumps, rows)))
    for name, task in (("ends", CHOICE), ("text", ROLLING)):
        (folder / f"{name}.yaml").write_text(task.replace("DATA", str(folder / "data.jsonl")))
    return str(folder)


@pytest.fixture(autouse=True)
def offline(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("datasets.config.HF_DATASETS_CACHE", tmp_path / "datasets")
    monkeypatch.setattr("datasets.config.HF_DATASETS_OFFLINE", True)


def evaluated(tasks: str, name: str, **arguments: Any) -> dict[str, float]:
    results = simple_evaluate(
        model=arguments.pop("harness_model", "fortyhertz"),
        model_args=arguments,
        device="cpu",
        tasks=[name],
        task_manager=TaskManager(include_path=tasks, include_defaults=False),
        bootstrap_iters=0,
    )
    return results["results"][name]


def test_the_entry_point_of_the_package_is_the_model() -> None:
    """As later releases of the harness look it up, by its placeholder in the registry."""
    text = Path(__file__).parents[1].joinpath("pyproject.toml").read_text(encoding="utf-8")
    [(name, value)] = tomllib.loads(text)["project"]["entry-points"]["lm_eval.models"].items()
    model_registry.register("by-entry-point", target=EntryPoint(name, value, "lm_eval.models"))
    assert get_model("by-entry-point") is get_model(name) is GammaLM


def test_log_likelihoods_are_those_of_the_model_with_gamma_attention(model: str) -> None:
    harness = GammaLM(model, spikes=16, seed=3, mode="sampled", dtype="float64")
    [(likelihood, _)] = harness._loglikelihood_tokens([(("", ""), [2, 3, 4], [5, 6])])
    own = transformers.AutoModelForCausalLM.from_pretrained(
        model,
        attn_implementation="gamma",
        gamma_spikes=16,
        gamma_seed=3,
        gamma_mode="sampled",
        dtype="float64",
    ).eval()
    logits = state(own, {"input_ids": torch.tensor([[2, 3, 4, 5]])})[0].log_softmax(-1)
    assert likelihood == pytest.approx(float(logits[2, 5] + logits[3, 6]), abs=1e-9)
    assert harness.get_model_info()["gamma_spikes"] == 16


def test_many_spikes_score_a_text_as_softmax_does(model: str, tasks: str) -> None:
    """The difference of the two perplexities falls as regular cells round, by a tenth or more from 8 to 512."""
    softmax = evaluated(tasks, "text", pretrained=model, harness_model="hf")["word_perplexity,none"]
    few, many = (
        evaluated(tasks, "text", pretrained=model, spikes=spikes)["word_perplexity,none"]
        for spikes in (8, 512)
    )
    assert 0 < abs(many / softmax - 1) < 0.01 < abs(few / softmax - 1)


def test_the_command_writes_results_that_name_the_options(
    model: str, tasks: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = f"pretrained={model},spikes=8,mode=sampled"
    line = f"lm-eval --model fortyhertz --model_args {arguments} --tasks ends --include_path {tasks}"
    assert main([*line.split(), "--output_path", str(tmp_path / "out")]) == 0
    assert "|ends |" in capsys.readouterr().out
    [file] = (tmp_path / "out").rglob("results_*.json")
    results = json.loads(file.read_text())
    assert results["results"]["ends"]["acc,none"] in (0.0, 1.0)  # four times the same question
    assert results["config"]["gamma_spikes"] == 8


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"spikes": 0}, "GammaOptions.spikes must be"),
        (
            {"heads": 0.1},
            "GammaOptions.heads must be .* got 0.1; use a text",
        ),  # as the harness reads heads=0.1
        ({"circuit": "brif"}, "circuit must be one of .* got 'brif'"),
        ({"pretrained": "gone.gguf"}, "model must be a GGUF file that is there, got gone.gguf"),
    ],
)
def test_mistakes_name_field_rule_and_value(model: str, options: dict[str, Any], says: str) -> None:
    with pytest.raises((ValueError, TypeError, UsageError), match=says):
        GammaLM(**{"pretrained": model, **options})


def test_without_arguments_the_error_shows_some(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["lm-eval"]) == 2
    assert "got none; give such as --model fortyhertz" in capsys.readouterr().err
