"""Minimal pairs: a sentence of the language and one that is not, and which of them a model finds more probable.

The form of BLiMP, the benchmark of linguistic minimal pairs (Warstadt et al. 2020, TACL 8:377): a model is right
where the whole good sentence has the larger log-probability. Each sentence follows the token that begins a text, or
else the one that ends it, as lm-evaluation-harness has it (Gao et al. 2024), so that its first word counts too.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from bridge.huggingface.layers import longest_sequence
from scenarios.workbench.errors import UsageError
from scenarios.workbench.outcome import RunContext
from scenarios.workbench.part_by_part import fill_by_parts
from scenarios.workbench.pretrained import Pretrained
from scenarios.workbench.reading import Trial

__all__ = ["MinimalPairs", "read_minimal_pairs", "score_pairs"]

COLUMNS = ("paradigm", "field", "good", "bad")
AT_ONCE = 32  # pairs of a batch: some 700 tokens of BLiMP


@dataclass(frozen=True, kw_only=True)
class MinimalPairs:
    """Sentences in pairs."""

    paradigm: tuple[str, ...]  # (n,) what the two differ in
    field: tuple[str, ...]  # (n,) of linguistics
    good: tuple[str, ...]  # (n,)
    bad: tuple[str, ...]  # (n,)
    line: tuple[int, ...]  # (n,) of the file

    def __len__(self) -> int:
        return len(self.good)


def read_minimal_pairs(path: str | Path, each: int | None = None) -> MinimalPairs:
    """Read a UTF-8 file of lines paradigm, field, good, bad with tabs between; its first may name these columns.

    BLiMP itself writes one of its fields in two ways, ``syntax/semantics`` and ``syntax_semantics``; here they are
    one.

    Parameters
    ----------
    path : path-like
    each : int, optional
        Pairs of a paradigm, from its start; all if not given.

    Raises
    ------
    UsageError
        For a file that is absent or not UTF-8, a bad line, with its number, and fewer than two pairs.
    """
    if not Path(path).is_file():
        raise UsageError(f"minimal_pairs must be a file, got {path}; check its path")
    try:
        lines = Path(path).read_text(encoding="utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        raise UsageError(
            f"minimal_pairs must be UTF-8, got other bytes in {path}; convert the file"
        ) from error
    read = [(*_fields(line, n, path), n) for n, line in enumerate(lines, 1) if line.strip()]
    if read and read[0][:4] == COLUMNS:
        del read[0]
    seen: dict[str, int] = {}
    kept = []
    for pair in read:
        seen[pair[0]] = seen.get(pair[0], 0) + 1
        if each is None or seen[pair[0]] <= each:
            kept.append(pair)
    if len(kept) < 2:
        raise UsageError(f"minimal_pairs must hold at least two pairs, got {len(kept)} in {path}; give more")
    paradigm, field, good, bad, line = zip(*kept, strict=True)
    return MinimalPairs(paradigm=paradigm, field=field, good=good, bad=bad, line=line)


def _fields(line: str, number: int, path: str | Path) -> tuple[str, str, str, str]:
    fields = [field.strip() for field in line.split("\t")]
    if len(fields) != 4 or not all(fields):
        got = f"{len(fields)} columns" if len(fields) != 4 else "an empty one"
        raise UsageError(
            f"a minimal pair must be {', '.join(COLUMNS)} with tabs between, got {got} in line {number} of {path}; "
            "correct the line"
        )
    paradigm, field, good, bad = fields
    if good == bad:
        raise UsageError(
            f"the sentences of a minimal pair must differ, got twice {good!r} in line {number} of {path}; correct "
            "the line"
        )
    return paradigm, field.replace("_", "/"), good, bad


def score_pairs(
    pretrained: Pretrained,
    pairs: MinimalPairs,
    trials: Sequence[Trial],
    ctx: RunContext,
    *,
    name: str = "pairs",
) -> np.ndarray:
    """Log-probability of both sentences of every pair under every trial, (n_trials, n_pairs, 2) nat.

    Pairs are read in batches of about equal length, the longest first, all trials on one batch in turn. What is
    scored is kept after each batch, whose noise depends on its number and the trial's alone: an interrupted run
    ends with the same numbers.

    Parameters
    ----------
    pretrained : Pretrained
    pairs : MinimalPairs
    trials : sequence of Trial
    ctx : RunContext
    name : str
        Of what is kept.

    Raises
    ------
    UsageError
        For a sentence with more tokens than the model has positions, with its line.
    """
    tokens = _tokens(pretrained, pairs)
    longest = np.array([max(map(len, pair)) for pair in tokens])
    order = np.argsort(-longest, kind="stable")
    batches = [order[at : at + AT_ONCE] for at in range(0, len(order), AT_ONCE)]
    costs = np.cumsum([len(batch) * longest[batch].max() for batch in batches])
    base = int(ctx.rng.integers(2**31))

    def judge(scores: np.ndarray, at: int) -> tuple[float, str]:
        sentences = [sentence for row in batches[at] for sentence in tokens[row]]
        for n, trial in enumerate(trials):
            rng = np.random.default_rng([base, at, n])
            with trial.placed(pretrained.model, rng), torch.inference_mode():
                scores[n, batches[at]] = _log_probability(pretrained.model, sentences).reshape(-1, 2)
        read = sum(map(len, batches[: at + 1]))
        return float(costs[at] / costs[-1]), f"pair {read} of {len(pairs)}"

    about = {"base": base, "trials": [trial.label for trial in trials], "pairs": len(pairs)}
    return fill_by_parts(judge, (len(trials), len(pairs), 2), len(batches), about, ctx, name)


def _tokens(pretrained: Pretrained, pairs: MinimalPairs) -> list[tuple[list[int], list[int]]]:
    """Of each pair the tokens of both sentences, after the one that begins a text."""
    tokenizer: Any = pretrained.tokenizer
    begins = [token for token in (tokenizer.bos_token_id, tokenizer.eos_token_id) if token is not None][:1]
    limit = longest_sequence(pretrained.model)
    each = tokenizer([*pairs.good, *pairs.bad], add_special_tokens=False, verbose=False)["input_ids"]
    n = len(pairs)
    for row, sentence in enumerate(each):
        length = len(begins) + len(sentence)
        if length < 2 or (limit is not None and length > limit):
            raise UsageError(
                f"a sentence must have 2 to {limit or 'any number of'} tokens with the first one of a text, got "
                f"{length} in line {pairs.line[row % n]} of the minimal pairs; change it"
            )
    return [(begins + each[row], begins + each[n + row]) for row in range(n)]


def _log_probability(model: Any, sentences: Sequence[Sequence[int]]) -> np.ndarray:
    """Sum over the tokens of each sentence after its first, (n_sentences,) nat.

    Shorter sentences are filled up at their end, where nothing that is counted can see it: the model is causal.
    """
    given = torch.zeros(len(sentences), max(map(len, sentences)), dtype=torch.int64)
    counted = torch.zeros(given.shape, dtype=torch.bool)
    for row, sentence in enumerate(sentences):
        given[row, : len(sentence)] = torch.tensor(sentence)
        counted[row, 1 : len(sentence)] = True
    logits: Tensor = model(given.to(model.device)).logits[:, :-1].float()  # (n, length - 1, n_vocab)
    chosen = logits.gather(-1, given[:, 1:, None].to(logits.device))[..., 0]
    log_p = (chosen - logits.logsumexp(-1)).double().cpu()
    return log_p.masked_fill(~counted[:, 1:], 0.0).sum(-1).numpy()
