"""A text read by a pretrained model, with plain attention and with all of its heads in spikes."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from scenarios.workbench.errors import UsageError
from scenarios.workbench.pretrained import Pretrained

if TYPE_CHECKING:
    from bridge.huggingface import RecordedRow, Recording
    from scenarios.one_head import Params

__all__ = ["MOST_TOKENS", "Read", "Reader", "seed_of"]

MOST_TOKENS = 96  # more are not legible as a map
MOST_WORDS = 8  # next tokens by softmax, and as many with spikes


def seed_of(rng: np.random.Generator) -> int:
    """The seed of a model's heads."""
    return int(rng.integers(2**31))


@dataclass(frozen=True, kw_only=True)
class Read:
    """A text, read twice."""

    params: Params  # with a query counted from the start
    n_heads: int  # of the model, all of them in spikes
    tokens: tuple[str, ...]  # (length,)
    softmax: np.ndarray  # (length, length) attention of the head, by the plain model
    share: np.ndarray  # (length, length) spike shares of the head, all heads of the model in spikes
    spikes: np.ndarray  # (length,) int64, of each of these rows
    words: tuple[str, ...]  # next tokens that are most probable by either, at the query; none unless causal
    probabilities: np.ndarray  # (2, n_words) by softmax, with spikes
    kl_nats: float  # of all next tokens at the query, softmax from spikes; nan unless causal
    row: RecordedRow  # of the query


@dataclass
class Reader:
    """A model that was loaded, its plain reading of the last text, and its last reading in spikes."""

    name: str
    pretrained: Pretrained = field(init=False)
    _plain: tuple[str, dict[str, Any], Any] | None = field(init=False, default=None)
    _asked: tuple[Any, ...] = field(init=False, default=())
    _spiking: tuple[Recording, Any] | None = field(init=False, default=None)

    def __post_init__(self) -> None:
        from scenarios.workbench.causal import load_text_model  # loads torch, which a page can do without

        self.pretrained = load_text_model(self.name)

    @property
    def n_layers(self) -> int:
        return int(self.pretrained.model.config.num_hidden_layers)

    @property
    def n_heads(self) -> int:
        """In each layer."""
        return int(self.pretrained.model.config.num_attention_heads)

    def nearest(self, params: Params) -> Params:
        """The same with a layer, head and query that are there: another model or text may have fewer."""
        there = self._there(params)
        return replace(params, **{name: min(getattr(params, name), n - 1) for name, n in there.items()})

    def read(self, params: Params, *, seed: int, engine: str) -> Read:
        """Read a text with plain attention and with spikes; what has been read before is kept.

        Parameters
        ----------
        params : Params
        seed : int
            Of all heads.
        engine : str
            Of those that key their rows.

        Raises
        ------
        UsageError
            For a text too long, and a layer, head or query that is not there.
        """
        params = self._placed(params)
        given, plain = self._read_plainly(params.text)
        recording, spiking = self._read_in_spikes(params, given, seed, engine)
        layer, head = params.layer, params.head
        softmax, share = (np.asarray(out.attentions[layer][0, head].double()) for out in (plain, spiking))
        words, probabilities, kl_nats = self._next(plain, spiking, params.query)
        return Read(
            params=params,
            n_heads=self.n_layers * self.n_heads,
            tokens=tuple(self.pretrained.tokenizer.decode([int(one)]) for one in given["input_ids"][0]),
            softmax=softmax,
            share=share,
            spikes=recording.spikes()[layer, head],
            words=words,
            probabilities=probabilities,
            kl_nats=kl_nats,
            row=recording.row(layer=layer, head=head, query=params.query),
        )

    def _there(self, params: Params) -> dict[str, int]:
        """How many layers, heads and queries there are."""
        length = self._read_plainly(params.text)[0]["input_ids"].shape[-1]
        return {"layer": self.n_layers, "head": self.n_heads, "query": length}

    def _placed(self, params: Params) -> Params:
        """The same with a query counted from the start; what is not there is refused."""
        there = self._there(params)
        for name, n in there.items():
            low = -n if name == "query" else 0
            if not low <= getattr(params, name) < n:
                raise UsageError(
                    f"{name} must lie within {low} and {n - 1}, got {getattr(params, name)}; use for example 0"
                )
        return replace(params, query=params.query % there["query"])

    def _read_plainly(self, text: str) -> tuple[dict[str, Any], Any]:
        import torch

        if self._plain is None or self._plain[0] != text:
            given = self.pretrained.read([text])
            length = given["input_ids"].shape[-1]
            if length > MOST_TOKENS:
                raise UsageError(
                    f"text must have at most {MOST_TOKENS} tokens here, got {length}; give a shorter one, or run "
                    "fortyhertz swap on it"
                )
            self.pretrained.model.set_attn_implementation("eager")
            with torch.no_grad():
                self._plain = text, given, self.pretrained.model(**given, output_attentions=True)
        return self._plain[1:]

    def _read_in_spikes(
        self, params: Params, given: dict[str, Any], seed: int, engine: str
    ) -> tuple[Recording, Any]:
        import torch

        from bridge.huggingface import configure, record

        asked = (replace(params, query=0), seed, engine)
        if self._spiking is None or self._asked != asked:
            model = self.pretrained.model
            configure(
                model,
                spikes=params.spikes,
                circuit=params.circuit,
                n_cells=params.n_cells,
                engine=engine,
                seed=seed,
            )
            with record(model, heads=[(params.layer, params.head)]) as recording, torch.no_grad():
                self._spiking = recording, model(**given, output_attentions=True)
            self._asked = asked
        return self._spiking

    def _next(self, plain: Any, spiking: Any, query: int) -> tuple[tuple[str, ...], np.ndarray, float]:
        """The next tokens after the query, most probable first; nothing unless the model is causal."""
        import torch

        from scenarios.workbench.causal import is_causal

        if not is_causal(self.pretrained):
            return (), np.empty((2, 0)), np.nan
        softmax, spikes = (torch.log_softmax(out.logits[0, query].double(), -1) for out in (plain, spiking))
        n = min(MOST_WORDS, len(softmax))
        best = torch.unique(torch.cat([softmax.topk(n).indices, spikes.topk(n).indices]))
        best = best[softmax[best].argsort(descending=True)]
        words = tuple(self.pretrained.tokenizer.decode([int(one)]) for one in best)
        kl_nats = float((softmax.exp() * (softmax - spikes)).sum())
        return words, np.exp(torch.stack([softmax[best], spikes[best]]).numpy()), kl_nats
