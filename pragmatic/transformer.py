"""The mini-transformer: tokens in, logits out, every attention head replaceable individually.

Pre-norm, learned positions, no biases, one matrix for embedding and logits; with the causal mask a decoder,
without it an encoder. Read it from top to bottom: parameters, attention, block, model.

Letters of the shapes: B batch, T length, C width, H heads, D = C / H the dim of a head, V vocabulary.

Vaswani et al. (2017), Attention is all you need, NeurIPS; Radford et al. (2019), Language models are
unsupervised multitask learners (pre-norm, initial values).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Literal, NamedTuple, cast, overload

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from pragmatic.attention import Attended, Head, check_head, dot_product_head
from pragmatic.checkpoint import put_tensors, read_tensors, write_tensors
from pragmatic.checks import at_least, check_rng, shown
from pragmatic.masks import causal_mask
from pragmatic.score_maps import Softmax

__all__ = ["Output", "Transformer", "TransformerParams"]

_VECTOR_STD = 0.02  # of embeddings at the start, as in GPT-2: small, so that the first logits are even


@dataclass(frozen=True, kw_only=True)
class TransformerParams:
    """Sizes of a mini-transformer, and whether it looks ahead."""

    n_vocab: int  # tokens are 0 ... n_vocab - 1
    n_layers: int = 4
    n_heads: int = 4
    width: int = 128  # of the residual stream; a multiple of n_heads
    n_context: int = 64  # the longest sequence
    causal: bool = True  # False: an encoder, each token sees all

    def __post_init__(self) -> None:
        for name in ("n_vocab", "n_layers", "n_heads", "width", "n_context"):
            at_least("TransformerParams", name, getattr(self, name), 1)
            object.__setattr__(self, name, int(getattr(self, name)))  # a small NumPy integer would overflow
        if self.width % self.n_heads:
            raise ValueError(
                f"TransformerParams.width must be a multiple of n_heads ({self.n_heads}), got {self.width}; "
                f"use {self.n_heads * math.ceil(self.width / self.n_heads)}"
            )
        if not isinstance(self.causal, bool):
            raise TypeError(
                f"TransformerParams.causal must be True or False, got {shown(self.causal)}; use True for a decoder"
            )


class Output(NamedTuple):
    """The result of a transformer whose attention weights are kept."""

    logits: Tensor  # (B, T, V)
    weights: list[Tensor]  # of each layer, (B, H, T, T)


class Heads(nn.Module):
    """The heads of one layer: a list of fixed length, called as one head over all of them.

    `heads[h] = head` replaces one, `heads[:] = [...]` all. A head that is an `nn.Module` is registered, so
    that its parameters are trained and saved with the model. Heads that are the same object are called once.
    """

    def __init__(self, heads: Iterable[Head]) -> None:
        super().__init__()
        self._heads = list(heads)
        self._register()

    def __len__(self) -> int:
        return len(self._heads)

    def __iter__(self) -> Iterator[Head]:
        return iter(self._heads)

    @overload
    def __getitem__(self, index: int) -> Head: ...
    @overload
    def __getitem__(self, index: slice) -> list[Head]: ...
    def __getitem__(self, index: int | slice) -> Head | list[Head]:
        return self._heads[index]

    def __setitem__(self, index: int | slice, head: Head | Iterable[Head]) -> None:
        heads = list(self._heads)
        heads[index] = head  # type: ignore[index, assignment]
        if len(heads) != len(self):
            raise ValueError(f"a layer must keep its {len(self)} heads, got {len(heads)}; give one for each")
        for h, new in enumerate(heads):
            check_head(f"head {h}", new)
        self._heads = heads
        self._register()

    def _register(self) -> None:
        self._modules.clear()
        for h, head in enumerate(self._heads):
            if isinstance(head, nn.Module):
                self.add_module(str(h), head)

    def forward(self, query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None = None) -> Attended:
        """Attend with each head over its own index of (B, H, T, D); each distinct object is called once."""
        indices: dict[int, list[int]] = {}
        for h, head in enumerate(self._heads):
            indices.setdefault(id(head), []).append(h)
        if len(indices) == 1:
            return _attend(self._heads[0], query, key, value, mask)
        parts = [
            _attend(self._heads[own[0]], query[:, own], key[:, own], value[:, own], mask)
            for own in indices.values()
        ]
        order = torch.tensor([h for own in indices.values() for h in own], device=query.device).argsort()
        output, weights = (torch.cat(part, dim=1)[:, order] for part in zip(*parts, strict=True))
        return Attended(output, weights)  # (B, H, T, D), (B, H, T, T)


class Attention(nn.Module):
    """Project to queries, keys and values, let each head attend, project back."""

    def __init__(self, params: TransformerParams, rng: np.random.Generator) -> None:
        super().__init__()
        width = params.width
        self.to_qkv = _matrix(rng, 3 * width, width)
        self.from_heads = _matrix(rng, width, width, gain=_residual_gain(params))
        self.heads = Heads([dot_product_head(Softmax())] * params.n_heads)

    def forward(self, x: Tensor, mask: Tensor | None) -> Attended:
        qkv = functional.linear(x, self.to_qkv)  # (B, T, 3 C)
        q, k, v = qkv.unflatten(-1, (3, len(self.heads), -1)).permute(2, 0, 3, 1, 4)  # (B, H, T, D) each
        attended, weights = self.heads(q, k, v, mask)  # (B, H, T, D), (B, H, T, T)
        joined = attended.transpose(1, 2).flatten(2)  # (B, T, C)
        return Attended(functional.linear(joined, self.from_heads), weights)


class Block(nn.Module):
    """Attention between tokens, then a network on each token; both add to the residual stream."""

    def __init__(self, params: TransformerParams, rng: np.random.Generator) -> None:
        super().__init__()
        width = params.width
        self.norm_attention = nn.LayerNorm(width, bias=False)
        self.attention = Attention(params, rng)
        self.norm_mlp = nn.LayerNorm(width, bias=False)
        self.to_hidden = _matrix(rng, 4 * width, width)
        self.from_hidden = _matrix(rng, width, 4 * width, gain=_residual_gain(params))

    def forward(self, x: Tensor, mask: Tensor | None) -> tuple[Tensor, Tensor]:
        attended, weights = self.attention(self.norm_attention(x), mask)  # (B, T, C), (B, H, T, T)
        x = x + attended  # (B, T, C)
        hidden = functional.gelu(functional.linear(self.norm_mlp(x), self.to_hidden))  # (B, T, 4 C)
        return x + functional.linear(hidden, self.from_hidden), weights


class Transformer(nn.Module):
    """Embed, pass through the blocks, read logits off the embedding.

    Parameters
    ----------
    params : TransformerParams
    rng : numpy.random.Generator
        Draws the initial parameters: normal, of a size that fits the width.

    Examples
    --------
    >>> model = Transformer(TransformerParams(n_vocab=65), np.random.default_rng(0))
    >>> model.blocks[0].attention.heads[1] = dot_product_head(Softmax(temperature=2.0))
    >>> model(torch.zeros(1, 10, dtype=torch.int64)).shape
    torch.Size([1, 10, 65])
    """

    def __init__(self, params: TransformerParams, rng: np.random.Generator) -> None:
        super().__init__()
        if not isinstance(params, TransformerParams):
            raise TypeError(
                f"Transformer.params must be TransformerParams, got {shown(params)}; "
                "use TransformerParams(n_vocab=65)"
            )
        check_rng(rng)
        self.params = params
        self.token_vectors = _normal(rng, params.n_vocab, params.width, _VECTOR_STD)
        self.position_vectors = _normal(rng, params.n_context, params.width, _VECTOR_STD)
        blocks = nn.ModuleList(Block(params, rng) for _ in range(params.n_layers))
        self.blocks = cast("Sequence[Block]", blocks)  # which is what a ModuleList of blocks is
        self.norm = nn.LayerNorm(params.width, bias=False)

    @overload
    def forward(
        self, tokens: Tensor, mask: Tensor | None = None, *, keep_weights: Literal[False] = False
    ) -> Tensor: ...
    @overload
    def forward(
        self, tokens: Tensor, mask: Tensor | None = None, *, keep_weights: Literal[True]
    ) -> Output: ...
    def forward(
        self, tokens: Tensor, mask: Tensor | None = None, *, keep_weights: bool = False
    ) -> Tensor | Output:
        """Logits of the next token (decoder), or of each token itself (encoder).

        Parameters
        ----------
        tokens : Tensor, (B, T), int64
        mask : Tensor, (B, T), bool, optional
            True where a token takes part, False for padding. No token attends to padding; a padded one
            attends also to itself, so that its row is not empty, and its logits mean nothing.
        keep_weights : bool
            Give `Output(logits, weights)`, with the attention weights of each layer, instead of logits.

        Returns
        -------
        Tensor, (B, T, V), or Output

        Raises
        ------
        TypeError, ValueError
            Tokens that the model does not know, a sequence longer than its context, a mask of another
            shape, activations that are not finite, or what a head refuses.
        """
        vectors, weights = self._encode(tokens, mask)
        logits = functional.linear(vectors, self.token_vectors)  # (B, T, V)
        return Output(logits, weights) if keep_weights else logits

    def encode(self, tokens: Tensor, mask: Tensor | None = None) -> Tensor:
        """The tokens' vectors (B, T, C) from which `forward` reads the logits; parameters and errors as there."""
        return self._encode(tokens, mask)[0]

    def _encode(self, tokens: Tensor, mask: Tensor | None) -> tuple[Tensor, list[Tensor]]:
        self._check(tokens, mask)
        length = tokens.shape[1]
        x = self.token_vectors[tokens] + self.position_vectors[:length]  # (B, T, C)
        sees = self._sees(length, mask, tokens.device)  # (T, T) or (B, 1, T, T), True where a key takes part
        kept = []
        for layer, block in enumerate(self.blocks):
            try:
                x, weights = block(x, sees)  # (B, T, C), (B, H, T, T)
            except ValueError as error:
                raise ValueError(f"layer {layer}: {error}") from error
            kept.append(weights)
            if not bool(x.isfinite().all()):
                raise ValueError(
                    f"activations must be finite, got nan or inf out of layer {layer}; "
                    "look for nan in the weights, or train with a lower learning rate"
                )
        return self.norm(x), kept

    def _sees(self, length: int, mask: Tensor | None, device: torch.device) -> Tensor | None:
        sees = causal_mask(length, length, device=device) if self.params.causal else None  # (T, T)
        if mask is None:
            return sees
        real = mask[:, None, None, :]  # (B, 1, 1, T)
        itself = torch.eye(length, dtype=torch.bool, device=device)
        return (real if sees is None else real & sees) | itself  # (B, 1, T, T)

    def _check(self, tokens: Tensor, mask: Tensor | None) -> None:
        params, shape = self.params, tuple(tokens.shape)
        if tokens.dtype != torch.int64:
            raise TypeError(f"tokens must be int64, got {tokens.dtype}; convert with .long()")
        if len(shape) != 2 or 0 in shape:
            raise ValueError(f"tokens must be (batch, length), both >= 1, got shape {shape}; reshape them")
        if shape[1] > params.n_context:
            raise ValueError(
                f"a sequence must not be longer than the model's context of {params.n_context} tokens, "
                f"got {shape[1]}; cut it, or build a model with a longer n_context"
            )
        low, high = (int(end) for end in tokens.aminmax())
        if low < 0 or high >= params.n_vocab:
            raise ValueError(
                f"tokens must lie in 0 ... {params.n_vocab - 1}, the model's vocabulary, "
                f"got {low if low < 0 else high}; encode them with the vocabulary that it was trained on"
            )
        if mask is not None and (mask.dtype != torch.bool or mask.shape != tokens.shape):
            raise ValueError(
                f"mask must be bool and of the tokens' shape {shape}, got {mask.dtype} {tuple(mask.shape)}; "
                "give True for each token that takes part"
            )

    def tensors(self) -> dict[str, Tensor]:
        """Every parameter and buffer by name, each object once, the heads' own included."""
        return {**dict(self.named_parameters()), **dict(self.named_buffers())}

    def save(self, path: str | Path) -> None:
        """Write the weights and the parameters to one safetensors file, atomically."""
        write_tensors(path, self.tensors(), {"transformer": asdict(self.params)})

    @classmethod
    def load(cls, path: str | Path) -> Transformer:
        """Load a model with softmax heads from a file of `save`.

        A file that also holds weights of heads needs a model built with such heads: `load_weights`.

        Raises
        ------
        FileNotFoundError, ValueError
            No such file, not a checkpoint of a transformer, or one that does not fit.
        """
        _, about = read_tensors(path, {"transformer": dict})
        sizes = about["transformer"]
        if set(sizes) != {field.name for field in fields(TransformerParams)}:
            raise ValueError(
                f"{path} must hold the fields of TransformerParams, got {', '.join(sizes)}; use a file of save()"
            )
        model = cls(TransformerParams(**sizes), np.random.default_rng(0))  # its values are replaced at once
        model.load_weights(path)
        return model

    def load_weights(self, path: str | Path) -> None:
        """Load the weights from a file of `save` for a model of the same parameters; errors as `load`."""
        tensors, about = read_tensors(path, {"transformer": dict})
        if about["transformer"] != asdict(self.params):
            raise ValueError(
                f"{path} must fit the model, got {TransformerParams(**about['transformer'])} "
                f"for {self.params}; build the model with the file's parameters"
            )
        put_tensors(self.tensors(), tensors, str(path))


def _attend(head: Head, query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None) -> Attended:
    attended = Attended(*head(query, key, value, mask))
    if attended.output.shape != value.shape:
        raise ValueError(
            f"a head's output must have the values' shape {tuple(value.shape)}, "
            f"got {tuple(attended.output.shape)} from {type(head).__name__}"
        )
    return attended


def _matrix(rng: np.random.Generator, n_out: int, n_in: int, gain: float = 1.0) -> nn.Parameter:
    """Normal with variance gain^2 / n_in, so that what comes out is as large as what goes in, at any width.

    GPT-2's fixed std of 0.02 is this for a width of 2500. In a narrow model it leaves the scores near 0 and
    attention close to uniform at the start. The character model of `tests/test_transformer_study.py` ends at
    1.764 nats with this and at 1.899 with 0.02 (same batches; one seed).
    """
    return _normal(rng, n_out, n_in, gain / math.sqrt(n_in))


def _normal(rng: np.random.Generator, n_rows: int, n_columns: int, std: float) -> nn.Parameter:
    drawn = torch.from_numpy(rng.normal(0.0, std, size=(n_rows, n_columns)))
    return nn.Parameter(drawn.to(torch.get_default_dtype()))


def _residual_gain(params: TransformerParams) -> float:
    """Smaller by the root of how many matrices add to the residual stream, two a layer (GPT-2)."""
    return 1.0 / math.sqrt(2 * params.n_layers)
