"""language-model-on-gamma with a small random model: pairs of losses, resumption, what is written, refusals."""

from __future__ import annotations

import struct
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("transformers", reason="needs the extra hf")

from hf_models import TEXT, built, saved

from scenarios.language_model_on_gamma import Params, run
from scenarios.language_model_on_gamma.looking import look
from scenarios.language_model_on_gamma.trials import Kind, judges_of, kinds_of
from scenarios.language_model_on_gamma.typeset import COLUMNS, placed
from scenarios.language_model_on_gamma.writing import Written, write
from scenarios.workbench.causal import load_causal, windows_of
from scenarios.workbench.errors import UsageError
from scenarios.workbench.minimal_pairs import read_minimal_pairs, score_pairs
from scenarios.workbench.outcome import Outcome, RunContext
from scenarios.workbench.progress import silent
from scenarios.workbench.reading import Trial, read_windows
from scenarios.workbench.style import style
from scenarios.workbench.unfinished import Unfinished


@pytest.fixture(scope="module")
def params(tmp_path_factory: pytest.TempPathFactory) -> Params:
    folder = tmp_path_factory.mktemp("lm")
    (folder / "text.txt").write_text(f"{TEXT} " * 8, encoding="utf-8")
    return Params(
        model=saved(folder / "model", built("gpt2")), text_file=str(folder / "text.txt"), windows=6, length=16,
        spikes=(8, 128), layer_spikes=4, prompt="the cat sat on", new_tokens=5, uncached=5,
        minimal_pairs=str(pairs_file(folder)),
    )  # fmt: skip


def pairs_file(folder: Path, n: int = 80) -> Path:
    """Random sentences of the words that the model knows, in two fields, one of them spelled in two ways."""
    rng, words = np.random.default_rng(3), TEXT.split()
    lines = ["paradigm\tfield\tgood\tbad"]
    for row in range(n):
        good, bad = (" ".join(rng.choice(words, rng.integers(4, 9))) for _ in range(2))
        field = ("syntax", "syntax/semantics", "syntax_semantics")[row % 3]
        lines.append(f"paradigm {row % 3}\t{field}\t{good}\t{bad}")
    file = folder / "pairs.tsv"
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return file


def context(seed: int = 1, unfinished: Unfinished | None = None) -> RunContext:
    return RunContext(rng=np.random.default_rng(seed), progress=silent(), unfinished=unfinished)


class Interrupted(Exception):
    pass


def stopping_at(where: str) -> Any:
    """Progress that ends the run when it gets there."""

    def stop(fraction: float, label: str | None = None) -> None:
        if label == where:
            raise Interrupted

    return stop


@pytest.fixture(scope="module")
def outcome(params: Params) -> Outcome:
    return run(params, context())


def test_the_kl_from_softmax_falls_with_spikes_and_uniform_attention_is_far(outcome: Outcome) -> None:
    """Regular cells: 16 times the spikes, far less than a tenth of the divergence."""
    m = outcome.metrics
    few, many = m["kl_spikes_8"].value, m["kl"].value
    assert 0 < many < few / 10
    assert many < m["kl_samples_128"].value < m["kl_uniform"].value
    assert m["same"].value > m["same_spikes_8"].value - 0.05
    assert m["ratio"].value == pytest.approx(1, abs=4 * (m["ratio"].standard_error or 0) + 0.02)
    assert 128 <= m["spent"].value < 140


def test_a_layer_alone_is_tried_on_a_few_windows_and_costs_less(outcome: Outcome, params: Params) -> None:
    data = outcome.dataset
    for layer in (0, 1):
        kl = data.kl.sel(trial=f"layer {layer}, 4 a row").values
        assert np.isfinite(kl).sum() == params.layer_windows
    assert data.alone.dims == ("layer",)


def test_softmax_stands_next_to_itself(outcome: Outcome) -> None:
    softmax = outcome.dataset.sel(trial="softmax")
    assert float(abs(softmax.kl).max()) < 1e-6
    assert float(softmax.same.min()) == 1


def test_an_interrupted_run_ends_with_the_same_numbers(params: Params, tmp_path: Path) -> None:
    pretrained = load_causal(params.model)
    windows = windows_of(pretrained, Path(params.text_file or "").read_text(), 3, 16)
    few = replace(params, layer_spikes=0)
    trials = [kind.trial(few, context()) for kind in kinds_of(few, 2)]
    whole = read_windows(pretrained.model, windows, trials, context())

    unfinished = Unfinished(tmp_path / "unfinished")
    halted = replace(context(unfinished=unfinished), progress=stopping_at("window 2 of 3"))
    with pytest.raises(Interrupted):
        read_windows(pretrained.model, windows, trials, halted)
    again = read_windows(pretrained.model, windows, trials, context(unfinished=unfinished))
    np.testing.assert_array_equal(again[:, :, :3], whole[:, :, :3])  # the fourth is time


def test_two_texts_are_alike_until_they_part() -> None:
    assert Written(prompt="", softmax=("a", "b", "c"), spikes=("a", "b", "d")).common == 2
    assert Written(prompt="", softmax=("a", "b"), spikes=("a", "b")).common == 2


def test_words_are_set_into_lines() -> None:
    words = list(placed([("a b", "k", 1.0, False), (" c" * 60, "k", 1.0, True)]))
    assert (words[1].text, words[1].column, words[1].line) == ("b", 2, 0)
    assert max(word.column for word in words) < COLUMNS
    second = next(word for word in words if word.line == 1)
    assert second.column == 0  # without the space before it
    assert "bbox" in second.style


def test_no_word_is_broken() -> None:
    """Tokens are parts of words: "he", "uristics"."""
    words = list(
        placed([("x" * 93, "k", 1.0, False), (" he", "k", 1.0, False), ("uristics", "k", 1.0, False)])
    )
    assert [(word.column, word.line) for word in words] == [(0, 0), (0, 1), (2, 1)]


def test_a_row_is_shown_with_the_spikes_that_the_model_has(params: Params) -> None:
    pretrained = load_causal(params.model)
    looked = look(pretrained, [4, 4], params, context())
    assert looked.tokens == ("the", "cat", "sat", "on")
    assert looked.shares.sum() == pytest.approx(1)
    assert np.sum(looked.selection.spikes.time_ms <= looked.ends_ms) == pytest.approx(params.shown, abs=8)
    error = np.abs(looked.shares - looked.weights).sum() / 2
    assert error < 0.05  # half a spike of 128 for each of four keys, and what the last step holds


def test_figures_draw_and_without_spikes_too(outcome: Outcome, params: Params) -> None:
    exact = run(replace(params, kinds=("softmax",)), context())
    assert list(outcome.pictures) == ["overview", "loss", "layers", "minimal_pairs", "bill", "text"]
    assert list(exact.pictures) == ["minimal_pairs"]
    assert "nothing was simulated" in exact.verdict
    with style():
        for picture in outcome.pictures.values():
            picture.draw().canvas.draw()


def test_pairs_are_judged_the_closer_to_softmax_the_more_spikes(outcome: Outcome) -> None:
    """Random sentences have no right one, but softmax has its margins; regular cells, 16 times the spikes."""
    m, margin = outcome.metrics, outcome.dataset.margin
    off = {
        n: float(abs(margin.sel(judge=f"spikes, {n} a row") - margin.sel(judge="softmax")).mean())
        for n in (8, 128)
    }
    assert 0 < off[128] < off[8] / 5
    assert m["pairs_same"].value >= m["pairs_same_spikes_8"].value
    assert m["pairs_same"].value > 0.95
    assert m["pairs_softmax"].floor == 0.5
    assert {"pairs_of_syntax", "pairs_change_of_syntax_semantics"} <= set(m)


def test_a_sentence_has_the_probability_of_its_tokens(params: Params) -> None:
    """Against the model's own loss, sentence by sentence and without padding."""
    pretrained, pairs = load_causal(params.model), read_minimal_pairs(params.minimal_pairs or "")
    scored = score_pairs(pretrained, pairs, [Trial(label="softmax")], context())[0]
    for row in (0, 1, 79):
        for which, sentence in enumerate((pairs.good[row], pairs.bad[row])):
            tokens = pretrained.tokenizer(sentence, return_tensors="pt")["input_ids"]
            loss = pretrained.model(tokens, labels=tokens).loss.item() * (tokens.shape[-1] - 1)
            assert scored[row, which] == pytest.approx(-loss, rel=1e-5)


def test_interrupted_pairs_end_with_the_same_numbers(params: Params, tmp_path: Path) -> None:
    pretrained, pairs = load_causal(params.model), read_minimal_pairs(params.minimal_pairs or "")
    trials = [kind.trial(params, context()) for kind in judges_of(params)]
    whole = score_pairs(pretrained, pairs, trials, context())
    unfinished = Unfinished(tmp_path / "unfinished")
    halted = replace(context(unfinished=unfinished), progress=stopping_at("pair 64 of 80"))
    with pytest.raises(Interrupted):
        score_pairs(pretrained, pairs, trials, halted)
    read: list[str] = []
    again = replace(context(unfinished=unfinished), progress=lambda fraction, label: read.append(label))  # type: ignore[arg-type]
    np.testing.assert_array_equal(score_pairs(pretrained, pairs, trials, again), whole)
    assert read == ["pair 80 of 80"]


def test_pairs_of_each_paradigm_are_its_first(params: Params) -> None:
    few = read_minimal_pairs(params.minimal_pairs or "", each=2)
    assert few.line == (2, 3, 4, 5, 6, 7)
    assert set(few.field) == {"syntax", "syntax/semantics"}


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("a\tb\tthe cat\n", r"got 3 columns in line 1 of .*pairs.tsv"),
        ("p\tf\tthe cat\tthe mat\np\tf\tthe cat\t\n", "got an empty one in line 2"),
        ("p\tf\tthe cat\tthe cat\n", "must differ, got twice 'the cat' in line 1"),
        ("p\tf\tthe cat\tthe mat\n", "at least two pairs, got 1"),
    ],
)
def test_bad_pairs_are_refused_by_their_line(text: str, says: str, tmp_path: Path) -> None:
    (tmp_path / "pairs.tsv").write_text(text, encoding="utf-8")
    with pytest.raises(UsageError, match=says):
        read_minimal_pairs(tmp_path / "pairs.tsv")


def test_a_sentence_beyond_the_models_positions_is_refused_by_its_line(
    params: Params, tmp_path: Path
) -> None:
    (tmp_path / "p.tsv").write_text(
        f"p\tf\tthe cat\tthe mat\np\tf\tthe cat\t{TEXT} {TEXT}\n", encoding="utf-8"
    )
    with pytest.raises(UsageError, match=r"2 to 24 tokens .* got 40 in line 2"):
        score_pairs(
            load_causal(params.model),
            read_minimal_pairs(tmp_path / "p.tsv"),
            [Trial(label="softmax")],
            context(),
        )


def test_windows_that_overlap_measure_their_last_tokens(params: Params) -> None:
    """Each token that counts has at least length - stride tokens before it, and counts once."""
    pretrained, text = load_causal(params.model), Path(params.text_file or "").read_text()
    windows = windows_of(pretrained, text, 4, 16, 4)
    np.testing.assert_array_equal(windows[1, :12], windows[0, 4:])
    measured = read_windows(pretrained.model, windows, [Trial(label="softmax")], context(), last=4)
    labels = windows[2].clone()
    labels[:12] = -100  # left out of the library's own loss
    own = pretrained.model(windows[2][None], labels=labels[None]).loss
    assert measured[0, 2, 0] == pytest.approx(own.item(), rel=1e-5)


def test_spikes_write_the_same_with_a_cache_and_without(outcome: Outcome, params: Params) -> None:
    """The noise of a row follows from its place; the model is as it was afterwards."""
    assert outcome.metrics["uncached"].value == 5
    model = load_causal(params.model)
    before = vars(model.model.config).copy()
    written = write(model, params, context())
    assert written.uncached == written.spikes
    assert {key for key in vars(model.model.config) if key not in before} == set()
    assert model.model.config._attn_implementation == "eager"


def test_the_bill_rises_with_spikes(outcome: Outcome) -> None:
    m = outcome.metrics
    for name in ("operations", "energy", "hardware"):
        assert 1 < m[f"{name}_spikes_8"].value < m[name].value


@pytest.mark.parametrize("name", ["pairs", "writing", "bill"])
def test_each_benchmark_runs_alone(name: str, params: Params) -> None:
    file = params.minimal_pairs if name == "pairs" else None
    alone = run(replace(params, benchmarks=(name,), minimal_pairs=file), context())
    assert not any(metric.startswith("ratio") for metric in alone.metrics)
    assert alone.in_short
    assert len(alone.pictures) == 1


def test_half_precision_is_close_to_single(params: Params) -> None:
    """Numbers of 8 bits are .2 % off on average, and a perplexity adds up layers of them."""
    kinds = replace(params, kinds=("softmax",), minimal_pairs=None)
    single, half = (run(replace(kinds, precision=of), context()).metrics for of in ("float32", "bfloat16"))
    assert half["perplexity"].value != single["perplexity"].value
    assert half["perplexity"].value == pytest.approx(single["perplexity"].value, rel=0.02)


def test_in_double_precision_a_cache_changes_no_token(params: Params) -> None:
    asked = replace(params, benchmarks=("writing",), minimal_pairs=None, precision="float64", uncached=8)
    wrote = run(asked, context()).metrics["uncached"]
    assert wrote.value == min(8, params.new_tokens)


def test_kinds_without_softmax_are_refused_by_their_name() -> None:
    with pytest.raises(UsageError, match="kinds must have softmax among them"):
        Params(kinds=("sampled",))


def test_labels_of_kinds() -> None:
    assert Kind(name="softmax").label == "softmax"
    assert Kind(name="layer", spikes=8, layer=3).label == "layer 3, 8 a row"


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"length": 25}, "length must be <= 24, the model's positions, got 25"),
        ({"minimal_pairs": "gone.tsv"}, "minimal_pairs must be a file, got gone.tsv"),
        ({"text_file": "gone.txt"}, "text_file must be a file, got gone.txt"),
        ({"model": "gone.gguf"}, "model must be a GGUF file that is there, got gone.gguf"),
    ],
)
def test_what_cannot_be_read_is_refused(params: Params, changes: dict[str, object], says: str) -> None:
    with pytest.raises(UsageError, match=says):
        run(replace(params, **changes), context())  # type: ignore[arg-type]


def test_a_model_that_predicts_no_token_and_a_short_text_are_refused(params: Params, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="model must be a causal language model, got BertModel"):
        load_causal(saved(tmp_path / "bert", built("bert")))
    with pytest.raises(UsageError, match="model must come with the tokenizer that it was trained with"):
        load_causal(saved(tmp_path / "mute", built("gpt2"), reads=False))
    with pytest.raises(UsageError, match="at least two windows of 16 tokens, got 4 tokens"):
        windows_of(load_causal(params.model), "the cat sat on", 2, 16)


def test_a_gguf_file_of_an_unknown_architecture_is_refused(tmp_path: Path) -> None:
    for package in ("gguf", "accelerate"):
        pytest.importorskip(package, reason="needs the extra lm")

    def text(letters: bytes) -> bytes:
        return struct.pack("<Q", len(letters)) + letters

    head = b"GGUF" + struct.pack("<IQQ", 3, 0, 1)  # version, number of tensors, of entries
    entry = text(b"general.architecture") + struct.pack("<I", 8) + text(b"martian")  # 8: a text
    (tmp_path / "m.gguf").write_bytes(head + entry)
    with pytest.raises(UsageError, match=r"an architecture that transformers reads, got .*m.gguf .*martian"):
        load_causal(str(tmp_path / "m.gguf"))
