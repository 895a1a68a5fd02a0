"""A transformer that runs SUBLEQ: one block of constructed weights, applied once for every instruction.

After Giannou et al. (2023), Looped transformers as programmable computers, ICML; built anew. Tokens are the cells
of the memory, a processor, and two helpers that hold where to go next. Numbers are bits of -1 and 1, so that an
address that was read is a query as it stands. One instruction takes:

1. read       four heads: the cells at, at + 1 and at + 2, and the address at + 3
2. read       two heads: mem[a] and mem[b]
3. subtract   feed-forward layers: one to a whole number, then one for each bit, of two ReLUs a bit
4. write      every cell: the result if it is cell b, else itself
5. choose     the helpers take the jump and the address at + 3; the processor chooses by the sign of the result

After each attention a layer of ReLUs cleans up: it makes bits of what are nearly bits.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from pragmatic.attention import dot_product_head
from pragmatic.checks import at_least, within
from pragmatic.machines.memory import addresses, as_bits
from pragmatic.machines.subleq import SubleqError, SubleqState, check_memory
from pragmatic.score_maps import ScoreMap

__all__ = ["FeedForward", "LoopedTransformer", "Stream"]

SHARPEST = 1000.0  # slope of the clean-up: its ramp from -1 to 1 is 2 / 1000 wide


@dataclass(frozen=True)
class FeedForward:
    """x + relu(x @ into + bias) @ out + shift: a layer of ReLUs with a skip connection."""

    into: Tensor  # (dim, hidden)
    bias: Tensor  # (hidden,)
    out: Tensor  # (hidden, dim)
    shift: Tensor  # (dim,)

    def __call__(self, x: Tensor) -> Tensor:
        return x + torch.relu(x @ self.into + self.bias) @ self.out + self.shift


@dataclass(frozen=True)
class Stream:
    """The residual stream of several machines, its parts by name; numbers are bits of -1 and 1."""

    memory: Tensor  # (n, cells, value_bits)
    at: Tensor  # (n, value_bits) of the processor


@dataclass(frozen=True, kw_only=True)
class LoopedTransformer:
    """The machine; `beta` is the sharpness of every comparison, bit by bit.

    `clean_up` False leaves what attention gives as it is: with softmax of a large beta it still computes, with
    spikes noise adds up.
    """

    address_bits: int = 6
    value_bits: int = 8
    beta: float = 10.0
    clean_up: bool = True

    def __post_init__(self) -> None:
        within("LoopedTransformer", "address_bits", self.address_bits, 2, 10)
        at_least("LoopedTransformer", "value_bits", self.value_bits, 2)
        within("LoopedTransformer", "value_bits", self.value_bits, self.address_bits + 1, 32)
        within("LoopedTransformer", "beta", self.beta, 0.1, 100.0)

    @property
    def n_cells(self) -> int:
        """Cells of the memory."""
        return 2**self.address_bits

    def load(self, memories: Sequence[Sequence[int]], at: Sequence[int] | None = None) -> Stream:
        """Programs as a stream, the memory filled up with 0.

        Raises
        ------
        SubleqError
            For a program of more cells than there are addresses, or of numbers that the bits do not hold.
        """
        rows = []
        for memory in memories:
            cells = check_memory(memory, self.value_bits)
            if len(cells) > self.n_cells:
                raise SubleqError(
                    f"a program must have at most {self.n_cells} cells, as {self.address_bits} bits address, got "
                    f"{len(cells)}; use more address bits"
                )
            rows.append((*cells, *(0,) * (self.n_cells - len(cells))))
        start = torch.zeros(len(rows), dtype=torch.long) if at is None else torch.tensor(list(at))
        return Stream(as_bits(torch.tensor(rows), self.value_bits), as_bits(start, self.value_bits))

    def states(self, stream: Stream) -> list[SubleqState]:
        """What the stream says, each bit by its sign."""
        memory, at = self._numbers(stream.memory), self._numbers(stream.at)
        return [
            SubleqState(tuple(map(int, cells)), int(place)) for cells, place in zip(memory, at, strict=True)
        ]

    def __call__(self, stream: Stream, score_map: ScoreMap) -> Stream:
        """Carry out one instruction of every machine."""
        a, b, jump, following = self._read_instruction(stream, score_map)
        first, second = self._read(stream, torch.stack([a, b], dim=1), [0, 0], score_map).unbind(1)
        result, is_jump = self._subtracted(first, second)
        memory = self._written(stream.memory, b, result, score_map)
        return Stream(memory, self._chosen(is_jump, jump, following, score_map))

    def _read_instruction(self, stream: Stream, score_map: ScoreMap) -> tuple[Tensor, ...]:
        """Heads whose keys are addresses moved on by 0 to 3 cells; the last one's values are addresses."""
        query = stream.at[:, None].expand(-1, 4, -1)
        own = addresses(self.address_bits)
        place = -torch.ones(self.n_cells, self.value_bits, dtype=torch.float64)
        place[:, : self.address_bits] = own
        values = stream.memory[:, None].expand(-1, 4, -1, -1).clone()
        values[:, 3] = place
        return self._attended(query, [0, 1, 2, 3], values, score_map).unbind(1)

    def _read(self, stream: Stream, query: Tensor, moved: list[int], score_map: ScoreMap) -> Tensor:
        values = stream.memory[:, None].expand(-1, len(moved), -1, -1)
        return self._attended(query, moved, values, score_map)

    def _attended(self, query: Tensor, moved: list[int], values: Tensor, score_map: ScoreMap) -> Tensor:
        """Bits of the cells asked for, (n, heads, bits) and (n, heads, cells, bits) -> (n, heads, bits)."""
        own = addresses(self.address_bits)
        key = torch.stack([own.roll(shift, dims=0) for shift in moved])  # (heads, cells, address_bits)
        q = query[..., None, : self.address_bits]  # (n, heads, 1, address_bits)
        head = dot_product_head(score_map, scaling=self.beta)
        return self._cleaned(head(q, key.expand(len(q), -1, -1, -1), values).output[:, :, 0])

    def _subtracted(self, first: Tensor, second: Tensor) -> tuple[Tensor, Tensor]:
        """Bits of second - first, and 1 where that is <= 0 or else -1, by layers of ReLUs."""
        weight = self._place_values
        # columns: the difference made positive, the sign, the bits from the lowest on
        x = torch.zeros(len(first), 2 + self.value_bits, dtype=torch.float64)
        x[:, 0] = ((second + 1) / 2) @ weight - ((first + 1) / 2) @ weight + 2 ** (self.value_bits - 1)
        for layer in self._layers:
            x = layer(x)
        bits = x[:, 2:].clone()
        bits[:, -1] = -bits[
            :, -1
        ]  # of a number moved up by half the range, the highest bit is the sign's opposite
        return bits, x[:, 1]

    @cached_property
    def _place_values(self) -> Tensor:
        """Of bits in two's complement, (value_bits,)."""
        weight = 2.0 ** torch.arange(self.value_bits, dtype=torch.float64)
        weight[-1] = -weight[-1]
        return weight

    @cached_property
    def _layers(self) -> tuple[FeedForward, ...]:
        """One for the sign, then one for each bit from the highest on: the bit, and what it leaves."""
        half = 2.0 ** (self.value_bits - 1)
        layers = [self._step_layer(half + 1, {1: -2.0}, {1: 1.0})]
        for bit in reversed(range(self.value_bits)):
            layers.append(self._step_layer(2.0**bit, {0: -(2.0**bit), 2 + bit: 2.0}, {2 + bit: -1.0}))
        return tuple(layers)

    def _step_layer(self, threshold: float, times: dict[int, float], shift: dict[int, float]) -> FeedForward:
        """Add to columns a multiple of the step that is 1 where column 0 is >= the threshold, a whole number.

        relu(x - threshold + 1) - relu(x - threshold) is that step at whole numbers.
        """
        dim = 2 + self.value_bits
        into, out = torch.zeros(dim, 2, dtype=torch.float64), torch.zeros(2, dim, dtype=torch.float64)
        into[0] = 1.0
        for column, factor in times.items():
            out[0, column], out[1, column] = factor, -factor
        moved = torch.zeros(dim, dtype=torch.float64)
        for column, by in shift.items():
            moved[column] = by
        return FeedForward(into, torch.tensor([1.0 - threshold, -threshold], dtype=torch.float64), out, moved)

    def _written(self, memory: Tensor, b: Tensor, result: Tensor, score_map: ScoreMap) -> Tensor:
        """Each cell attends to the result, under the address b, and to itself, one bit short of a match."""
        n, cells = memory.shape[:2]
        own = addresses(self.address_bits)
        short = torch.full((cells, 1), self.address_bits - 1.0, dtype=torch.float64)
        query = torch.cat([own, short], dim=-1).expand(n, -1, -1)[
            :, :, None
        ]  # (n, cells, 1, address_bits + 1)
        processor = torch.nn.functional.pad(b[:, : self.address_bits], (0, 1))
        itself = torch.nn.functional.one_hot(torch.tensor(self.address_bits)).double()
        key = torch.stack([processor, itself.expand_as(processor)], dim=1)  # (n, 2, address_bits + 1)
        value = torch.stack([result[:, None].expand_as(memory), memory], dim=2)  # (n, cells, 2, value_bits)
        head = dot_product_head(score_map, scaling=self.beta)
        return self._cleaned(head(query, key[:, None].expand(-1, cells, -1, -1), value).output[:, :, 0])

    def _chosen(self, is_jump: Tensor, jump: Tensor, following: Tensor, score_map: ScoreMap) -> Tensor:
        """The processor attends to its two helpers, whose keys are 1 and -1, by the sign of the result."""
        key = torch.tensor([[1.0], [-1.0]], dtype=torch.float64).expand(len(jump), 2, 1)
        head = dot_product_head(score_map, scaling=self.beta)
        value = torch.stack([jump, following], dim=1)
        return self._cleaned(head(is_jump[:, None, None], key, value).output[:, 0])

    def _cleaned(self, bits: Tensor) -> Tensor:
        """A ramp from -1 to 1 by two ReLUs, steep where bits are cleaned up."""
        if not self.clean_up:
            return bits
        return torch.relu(SHARPEST * bits + 1) - torch.relu(SHARPEST * bits - 1) - 1

    def _numbers(self, bits: Tensor) -> Tensor:
        """Whole numbers of bits, (..., value_bits) -> (...)."""
        return ((bits > 0).double() @ self._place_values).long()
