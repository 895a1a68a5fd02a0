"""Architectures that compute attention by themselves, taught to ask: one small class for each."""

from __future__ import annotations

from abc import ABC, abstractmethod
from types import ModuleType
from typing import Any, ClassVar, Protocol

from torch import Tensor, nn

__all__ = ["Attend", "LayerAdapter", "adapter_of", "teach"]


class Attend(Protocol):
    """What an adapter calls where its layer would turn scores into weights and weights into outputs."""

    def __call__(
        self,
        query: Tensor,
        key: Tensor,
        value: Tensor,
        attention_mask: Tensor | None,
        *,
        scaling: float | None = None,
        position_bias: Tensor | None = None,
        window: Tensor | None = None,
        softcap: float | None = None,
        dropout: float = 0.0,
    ) -> tuple[Tensor, Tensor]:
        """Attend.

        Parameters
        ----------
        query : Tensor, (batch, heads, n_queries, dim)
        key, value : Tensor, (batch, heads or fewer, n_keys, dim)
        attention_mask : Tensor, broadcastable to (batch, heads, n_queries, n_keys), optional
            Added to the scores.
        scaling : float, optional
            Factor on q·k; 1 / sqrt(dim) when None.
        position_bias : Tensor, (batch or 1, heads, n_queries, n_keys), optional
            Added to the scores.
        window : bool Tensor, broadcastable to the scores, optional
            True where the layer lets a query see a key; a mask of the layer's own.
        softcap : float, optional
            The scores become softcap * tanh(scores / softcap).
        dropout : float
            Of weights, while the layer is in training.

        Returns
        -------
        output : Tensor, (batch, n_queries, heads, dim)
        weights : Tensor, (batch, heads, n_queries, n_keys)
        """
        ...


class LayerAdapter(ABC):
    """How a layer class that never asks the attention interface is taught to.

    `layer` names the attention class as "module:Class", so that its file is imported by nobody else, or is the
    class itself. `forward` repeats the layer's forward pass with `attend` in the middle. At the first call of
    each layer its output is compared with that of the layer's own forward pass, so a factor or a bias that was
    forgotten is refused rather than simulated.

    Examples
    --------
    A layer with one matrix for query, key and value, and scores that are not divided by sqrt(dim):

    >>> import torch
    >>> from bridge.huggingface import LayerAdapter, teach
    >>> class MySelfAttention(torch.nn.Module):
    ...     num_heads = 2
    ...     def __init__(self):
    ...         super().__init__()
    ...         self.qkv, self.out = torch.nn.Linear(8, 24), torch.nn.Linear(8, 8)
    ...     def vectors(self, x):
    ...         return self.qkv(x).unflatten(-1, (3, self.num_heads, -1)).permute(2, 0, 3, 1, 4)
    ...     def forward(self, x, mask=None):
    ...         q, k, v = self.vectors(x)
    ...         weights = torch.softmax(q @ k.mT + (0 if mask is None else mask), -1)
    ...         return self.out((weights @ v).transpose(1, 2).flatten(2))
    >>> class MyAdapter(LayerAdapter):
    ...     layer = MySelfAttention
    ...     def forward(self, module, attend, x, mask=None):
    ...         output, _ = attend(*module.vectors(x), mask, scaling=1.0)
    ...         return module.out(output.flatten(2))
    >>> teach(MyAdapter())
    """

    layer: ClassVar[str | type[nn.Module]]

    @abstractmethod
    def forward(self, module: Any, attend: Attend, *args: Any, **kwargs: Any) -> Any:
        """Compute what the layer's own forward pass computes of the same arguments, attention by `attend`."""

    def prepare(self, file: ModuleType) -> None:  # noqa: B027  most architectures have no such table
        """Make the architecture's file accept "gamma" where it looks an implementation up in a table."""


_ADAPTERS: dict[str, LayerAdapter] = {}  # name of the layer class -> its adapter


def teach(adapter: LayerAdapter) -> None:
    """Let models with this layer have gamma attention from now on; a later adapter of a layer replaces it.

    Raises
    ------
    TypeError
        Unless it is an adapter that names its layer.
    """
    layer: Any = getattr(adapter, "layer", None)
    names_layer = (isinstance(layer, str) and ":" in layer) or (
        isinstance(layer, type) and issubclass(layer, nn.Module)
    )
    if not (isinstance(adapter, LayerAdapter) and names_layer):
        raise TypeError(
            "teach needs a LayerAdapter whose layer is an attention class or its 'module:Class', got "
            f"{type(adapter).__name__} with {layer!r}; pass an instance, such as teach(MyAdapter())"
        )
    _ADAPTERS[layer if isinstance(layer, str) else _name(layer)] = adapter


def adapter_of(layer_class: type) -> LayerAdapter | None:
    """The adapter of exactly this class of attention layer; a subclass may compute something else."""
    return _ADAPTERS.get(_name(layer_class))


def _name(layer_class: type) -> str:
    return f"{layer_class.__module__}:{layer_class.__qualname__}"
