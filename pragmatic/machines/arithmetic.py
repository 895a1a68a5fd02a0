"""Arithmetic in one attention row: sum, product and exponential from two keys, and what reads them out.

Each construction takes any score map. With softmax it is exact to a stated error; with spikes it is an estimate.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import gelu

from pragmatic.attention import dot_product_head
from pragmatic.checks import unknown, within
from pragmatic.score_maps import ScoreMap

__all__ = ["EXP_READ_OUTS", "PRODUCT_READ_OUTS", "Exponential", "Product", "Sum", "TwoKeys", "gelu_product"]

PRODUCT_READ_OUTS = ("difference", "logit")
EXP_READ_OUTS = ("share", "odds")
GAINS = (1e-6, 1e3)


@dataclass(frozen=True, kw_only=True)
class TwoKeys(ABC):
    """A function of two numbers by one row of two keys.

    `prior` is added to both weights before a logarithm or a quotient of them is taken, so that a key without a
    spike has one. With N spikes 1 / (2 N), half a spike each (Haldane 1956, Ann. Hum. Genet. 20:309), takes out
    the bias of order 1 / N; exact weights need none.
    """

    gain: float = 1.0
    prior: float = 0.0

    def __post_init__(self) -> None:
        within(type(self).__name__, "gain", self.gain, *GAINS)
        within(type(self).__name__, "prior", self.prior, 0.0, 0.5)

    @abstractmethod
    def query(self, x: Tensor, y: Tensor) -> Tensor:
        """The query of each row, (n,) -> (n, dim)."""

    @abstractmethod
    def keys(self, x: Tensor, y: Tensor) -> Tensor:
        """Its keys, (n,) -> (n, 2, dim)."""

    @abstractmethod
    def values(self, x: Tensor, y: Tensor) -> Tensor:
        """Their values, (n,) -> (n, 2)."""

    @abstractmethod
    def read(self, output: Tensor) -> Tensor:
        """The number that an output of the row stands for."""

    @abstractmethod
    def exact(self, x: Tensor, y: Tensor) -> Tensor:
        """The function itself."""

    def scores(self, x: Tensor, y: Tensor) -> Tensor:
        """Scores of both keys, (n,) -> (n, 2)."""
        return (self.keys(x, y) @ self.query(x, y).unsqueeze(-1)).squeeze(-1)

    def __call__(self, x: Tensor, y: Tensor, score_map: ScoreMap) -> Tensor:
        """Compute it for each pair of numbers, (n,) and (n,) -> (n,)."""
        head = dot_product_head(score_map, scaling=1.0)
        query, value = self.query(x, y).unsqueeze(1), self.values(x, y).unsqueeze(-1)
        return self.read(head(query, self.keys(x, y), value).output[:, 0, 0])


@dataclass(frozen=True, kw_only=True)
class Sum(TwoKeys):
    """x + y: two keys of equal score and values x and y; twice their mean. Exact.

    N spikes have the error |x - y| / sqrt(N), from the chance of which key they fall to.
    """

    def query(self, x: Tensor, y: Tensor) -> Tensor:
        return torch.zeros_like(x)[:, None]

    def keys(self, x: Tensor, y: Tensor) -> Tensor:
        return torch.ones_like(torch.stack([x, y], dim=-1))[..., None]

    def values(self, x: Tensor, y: Tensor) -> Tensor:
        return torch.stack([x, y], dim=-1)

    def read(self, output: Tensor) -> Tensor:
        return 2 * output

    def exact(self, x: Tensor, y: Tensor) -> Tensor:
        return x + y


@dataclass(frozen=True, kw_only=True)
class Product(TwoKeys):
    """x y: query gain x, keys y and -y, values 1 and -1, so that the output is tanh(gain x y).

    Read as output / gain its error is gain^2 / 3 at most for |x|, |y| <= 1; read by the logit,
    atanh(output) / gain, it is exact. N spikes allow no small gain to the first, which loses as N^(-1/3); the
    second is a logarithm of a ratio of counts and loses as N^(-1/2).
    """

    read_out: str = "difference"

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.read_out not in PRODUCT_READ_OUTS:
            raise ValueError(unknown("read_out of a product", self.read_out, PRODUCT_READ_OUTS))

    def query(self, x: Tensor, y: Tensor) -> Tensor:
        return self.gain * x[:, None]

    def keys(self, x: Tensor, y: Tensor) -> Tensor:
        return torch.stack([y, -y], dim=-1)[..., None]

    def values(self, x: Tensor, y: Tensor) -> Tensor:
        return torch.ones_like(x)[:, None] * torch.tensor([1.0, -1.0], dtype=x.dtype)

    def read(self, output: Tensor) -> Tensor:
        if self.read_out == "difference":
            return output / self.gain
        plus, minus = (1 + output) / 2 + self.prior, (1 - output) / 2 + self.prior
        return torch.log(plus / minus) / (2 * self.gain)

    def exact(self, x: Tensor, y: Tensor) -> Tensor:
        return x * y


@dataclass(frozen=True, kw_only=True)
class Exponential(TwoKeys):
    """e^x: a key of score x next to a null key of score `gain`; its weight is close to e^(x - gain).

    Read as weight e^gain the relative error is e^(x - gain) or less, which a higher null key makes small at a
    price of e^gain spikes: it loses as N^(-1/3). The odds weight / (1 - weight) are e^(x - gain) exactly, for any
    null key, and lose as N^(-1/2). y is not used.
    """

    read_out: str = "share"

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.read_out not in EXP_READ_OUTS:
            raise ValueError(unknown("read_out of an exponential", self.read_out, EXP_READ_OUTS))

    def query(self, x: Tensor, y: Tensor) -> Tensor:
        return torch.stack([x, torch.full_like(x, self.gain)], dim=-1)

    def keys(self, x: Tensor, y: Tensor) -> Tensor:
        return torch.eye(2, dtype=x.dtype).expand(len(x), 2, 2)

    def values(self, x: Tensor, y: Tensor) -> Tensor:
        return torch.ones_like(x)[:, None] * torch.tensor([1.0, 0.0], dtype=x.dtype)

    def read(self, output: Tensor) -> Tensor:
        if self.read_out == "share":
            return output * math.exp(self.gain)
        return (output + self.prior) / (1 - output + self.prior) * math.exp(self.gain)

    def exact(self, x: Tensor, y: Tensor) -> Tensor:
        return x.exp()


def gelu_product(x: Tensor, y: Tensor, gain: float) -> Tensor:
    """x y without attention, from four GELUs: [S(l (x + y)) - S(l (x - y))] / (4 l^2 sqrt(2 / pi)).

    S(t) = gelu(t) + gelu(-t) is sqrt(2 / pi) t^2 near 0, so that the difference of the two squares is left; l
    is the gain. The error falls with its square.
    """
    within("gelu_product", "gain", gain, *GAINS)

    def square(t: Tensor) -> Tensor:
        return gelu(t) + gelu(-t)

    return (square(gain * (x + y)) - square(gain * (x - y))) / (4 * gain**2 * math.sqrt(2 / math.pi))
