"""A text read by a pretrained model, with plain attention and with spikes: what the room *Transformer* shows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any, Self
from urllib.parse import urlencode

import numpy as np

from bridge.heads.named import check_circuit_name
from scenarios.workbench.errors import UsageError
from scenarios.workbench.pretrained import MINILM, Pretrained, load_pretrained
from scenarios.workbench.smollm2 import SMOLLM2
from spiking import PARAMETER_SETS

__all__ = ["SPIKES", "Read", "Reader", "Reading"]

SPIKES = (1, 2, 4, 8, 16, 32, 64, 128, 256)
MOST_TOKENS = 96  # more are not legible as a map
ENGINE = "events"
DEFAULT_TEXT = (
    "Everyone knows what attention is. It is the taking possession by the mind of one out of several objects"
)


@dataclass(frozen=True, kw_only=True)
class Reading:
    """What is read by which model, with which spikes, and which row is looked at."""

    model: str = MINILM
    text: str = DEFAULT_TEXT
    layer: int = 3
    head: int = 0
    query: int = 1  # position of the token whose row is shown
    spikes: int = 64
    circuit: str = "regular-brief"
    seed: int = 0

    def __post_init__(self) -> None:
        if not self.text.strip():
            raise UsageError("text must not be empty, got only white space; give a sentence")
        if self.circuit not in PARAMETER_SETS:  # an address must not make a page import modules
            raise UsageError(f"circuit must be one of {', '.join(PARAMETER_SETS)}, got {self.circuit!r}")
        check_circuit_name(self.circuit)
        if not SPIKES[0] <= self.spikes <= SPIKES[-1]:
            raise UsageError(
                f"spikes must be {SPIKES[0]} to {SPIKES[-1]}, got {self.spikes}; use for example 64"
            )
        for name in ("layer", "head", "query", "seed"):
            if not 0 <= getattr(self, name) < 2**31:
                raise UsageError(f"{name} must be >= 0, got {getattr(self, name)}; use for example 0")

    @classmethod
    def of_query(cls, query: Mapping[str, str]) -> Self:
        """Read an address."""
        known = {one.name: one.default for one in fields(cls)}
        unknown = [name for name in query if name not in known]
        if unknown:
            raise UsageError(f"an address has the names {', '.join(known)}, got {unknown[0]!r}; leave it out")
        values: dict[str, Any] = {}
        for name, text in query.items():
            try:
                values[name] = int(text) if isinstance(known[name], int) else text
            except ValueError:
                raise UsageError(f"{name} must be a whole number, got {text!r}; use {known[name]}") from None
        return cls(**values)

    def search(self) -> str:
        """The part of the address after the question mark, with it."""
        return "?" + urlencode({one.name: getattr(self, one.name) for one in fields(self)})

    def python(self) -> str:
        """Lines that give the same spikes."""
        causal = self.model == SMOLLM2 or self.model.endswith(".gguf")
        load, module = ("load_causal", "causal") if causal else ("load_pretrained", "pretrained")
        return "\n".join(
            [
                "import torch",
                "",
                "from bridge.huggingface import configure, record",
                f"from scenarios.workbench.{module} import {load}",
                "",
                f"pretrained = {load}({self.model!r})",
                f"given = pretrained.read([{self.text!r}])",
                f"configure(pretrained.model, spikes={self.spikes}, circuit={self.circuit!r}, engine={ENGINE!r}, "
                f"seed={self.seed})",
                f'with record(pretrained.model, heads="{self.layer}.{self.head}") as spikes, torch.no_grad():',
                "    output = pretrained.model(**given)",
                f"row = spikes.row(layer={self.layer}, head={self.head}, query={self.query})",
                "print(row.counts, row.softmax)",
            ]
        )


@dataclass(frozen=True, kw_only=True)
class Read:
    """A text, read twice."""

    reading: Reading
    tokens: tuple[str, ...]  # (length,)
    softmax: np.ndarray  # (length, length) attention of the head, by the plain model
    share: np.ndarray  # (length, length) spike shares of the head, all heads of the model in spikes
    words: tuple[str, ...]  # next tokens that are most probable by either, at the query; none unless causal
    probabilities: np.ndarray  # (2, n_words) by softmax, with spikes
    kl_nats: float  # of all next tokens at the query, softmax from spikes; nan unless causal
    row: Any  # RecordedRow of the query


@dataclass
class Reader:
    """A model that was loaded, and its plain reading of the last text."""

    name: str
    pretrained: Pretrained = field(init=False)
    _plain: tuple[str, dict[str, Any], Any] | None = field(init=False, default=None)
    _spiking: tuple[Any, ...] | None = field(init=False, default=None)
    _kept: tuple[Any, Any] | None = field(init=False, default=None)

    def __post_init__(self) -> None:
        from scenarios.workbench.causal import load_causal  # loads torch, which the server can do without

        causal = self.name == SMOLLM2 or self.name.endswith(".gguf")
        self.pretrained = load_causal(self.name) if causal else load_pretrained(self.name)
        if self.pretrained.tokenizer is None:
            raise UsageError(f"model must read text, got {self.name}, which reads images; give another")
        if self.pretrained.model.config.is_encoder_decoder:
            raise UsageError(
                f"model must be an encoder or a decoder, got {self.name}, which is both; give another"
            )

    @property
    def n_layers(self) -> int:
        return int(self.pretrained.model.config.num_hidden_layers)

    @property
    def n_heads(self) -> int:
        return int(self.pretrained.model.config.num_attention_heads)

    def nearest(self, reading: Reading) -> Reading:
        """The same with a layer, head and query that are there: another model or text may have fewer."""
        length = self._read_plainly(reading.text)[0]["input_ids"].shape[-1]
        most = {"layer": self.n_layers, "head": self.n_heads, "query": length}
        return replace(reading, **{name: min(getattr(reading, name), n - 1) for name, n in most.items()})

    def read(self, reading: Reading) -> Read:
        """Read a text with plain attention and with spikes; what has been read before is kept.

        Raises
        ------
        UsageError
            For a text too long, and a layer, head or query that is not there.
        """
        given, plain = self._read_plainly(reading.text)
        ids = given["input_ids"][0]
        for name, n in (("layer", self.n_layers), ("head", self.n_heads), ("query", len(ids))):
            if getattr(reading, name) >= n:
                raise UsageError(f"{name} must be below {n}, got {getattr(reading, name)}; use 0 to {n - 1}")
        recording, spiking = self._read_in_spikes(reading, given)
        at = reading.layer, 0, reading.head
        softmax, share = (np.asarray(out.attentions[at[0]][at[1:]].double()) for out in (plain, spiking))
        words, probabilities, kl_nats = self._next(plain, spiking, reading.query)
        return Read(
            reading=reading,
            tokens=tuple(self.pretrained.tokenizer.decode([int(one)]) for one in ids),
            softmax=softmax,
            share=share,
            words=words,
            probabilities=probabilities,
            kl_nats=kl_nats,
            row=recording.row(layer=reading.layer, head=reading.head, query=reading.query),
        )

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

    def _read_in_spikes(self, reading: Reading, given: dict[str, Any]) -> tuple[Any, Any]:
        import torch

        from bridge.huggingface import configure, record

        asked = (reading.text, reading.spikes, reading.circuit, reading.seed, reading.layer, reading.head)
        if self._kept is None or self._spiking != asked:
            model = self.pretrained.model
            configure(model, spikes=reading.spikes, circuit=reading.circuit, engine=ENGINE, seed=reading.seed)
            heads = [(reading.layer, reading.head)]
            with record(model, heads=heads) as recording, torch.no_grad():
                self._kept = recording, model(**given, output_attentions=True)
            self._spiking = asked
        return self._kept

    def _next(self, plain: Any, spiking: Any, query: int) -> tuple[tuple[str, ...], np.ndarray, float]:
        """The next tokens after the query, most probable first; nothing unless the model is causal."""
        import torch

        from scenarios.workbench.causal import is_causal

        if not is_causal(self.pretrained):
            return (), np.empty((2, 0)), np.nan
        softmax, spikes = (torch.log_softmax(out.logits[0, query].double(), -1) for out in (plain, spiking))
        best = torch.unique(torch.cat([softmax.topk(8).indices, spikes.topk(8).indices]))
        best = best[softmax[best].argsort(descending=True)]
        words = tuple(self.pretrained.tokenizer.decode([int(one)]) for one in best)
        kl_nats = float((softmax.exp() * (softmax - spikes)).sum())
        return words, np.exp(torch.stack([softmax[best], spikes[best]]).numpy()), kl_nats
