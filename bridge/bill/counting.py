"""Counting a run: every kernel that PyTorch calls, every spike that a head reports, by part of the model."""

from __future__ import annotations

from collections import Counter as Tally
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from bridge.bill.counts import Counts
from bridge.bill.energy import Bill
from bridge.bill.tensor_operations import (
    MATMULS,
    PICKS,
    SOFTMAXES,
    Call,
    fused_attention,
    is_free,
    moved_bytes,
    operations,
)
from bridge.bill.usage import Usage, Work, is_paused, listening
from spiking.checks import shown

__all__ = ["Counter", "count"]

UNKNOWN_ROWS = "rows of other circuits"


@contextmanager
def count(model: nn.Module | None = None) -> Iterator[Counter]:
    """Count everything that is computed inside the block, forward and backward.

    Parameters
    ----------
    model : nn.Module, optional
        Tells the parts apart by the names of its modules; without it there are scores, score map, read-out,
        simulation, backward and other.

    Examples
    --------
    >>> import torch
    >>> from bridge import count
    >>> linear = torch.nn.Linear(8, 4)
    >>> with count(linear) as counter:
    ...     _ = linear(torch.ones(3, 8))
    >>> counter.bill().total().macs
    96
    """
    if model is not None and not isinstance(model, nn.Module):
        raise TypeError(f"model must be an nn.Module, got {shown(model)}; give the model, or leave it out")
    counter = Counter(model)
    with ExitStack() as stack:
        stack.callback(counter.detach)
        stack.enter_context(listening(counter.hear))
        stack.enter_context(_Mode(counter))
        yield counter


class Counter:
    """Adds up a run; `bill` at any time gives what it has cost so far."""

    def __init__(self, model: nn.Module | None) -> None:
        self._parts = _Parts(model)
        self._simulated: defaultdict[str, Counts] = defaultdict(Counts)
        self._events: defaultdict[str, Counts] = defaultdict(Counts)
        self._uncounted: Tally[str] = Tally()
        self._usage = Usage()
        self._unread = Usage()  # spikes whose values have not been read out yet

    def bill(self) -> Bill:
        """What has been counted so far."""
        unknown = {UNKNOWN_ROWS: self._usage.unknown_rows} if self._usage.unknown_rows else {}
        return Bill(
            simulated=dict(self._simulated),
            events=dict(self._events),
            usage=self._usage,
            uncounted={**self._uncounted, **unknown},
        )

    def detach(self) -> None:
        """Take the hooks off the model."""
        self._parts.detach()

    def hear(self, done: Usage | Work) -> None:
        """A head has simulated or drawn the weights of its rows, or done other work."""
        if isinstance(done, Usage):
            self._simulation(done)
            return
        self._simulated[done.part] += done.simulated
        self._events[done.part] += done.events
        if done.part == "read-out":
            self._unread = Usage()
            self._parts.between = False

    def _simulation(self, usage: Usage) -> None:
        self._usage += usage
        self._unread += usage
        self._parts.between = True
        self._simulated["simulation"] += usage.simulated
        self._events["simulation"] += usage.events

    def kernel(self, func: Any, call: Call) -> None:
        """PyTorch has called a kernel."""
        if is_paused() or is_free(func, call.packet):
            return
        moved = Counts(bytes_tensor=moved_bytes(call))
        split = fused_attention(call)
        if split is not None:
            for part, share in split.items():
                self._both(part, share)
            self._both("score map", moved)
            return
        part, done = self._parts.of(call), self._operations(call) + moved
        if part == "read-out" and self._unread.rows:
            self._read_out(call, done)
        else:
            self._both(part, done)

    def _operations(self, call: Call) -> Counts:
        done = operations(call)
        if done is None:
            self._uncounted[str(call.packet)] += 0 if call.result is None else call.result.numel()
        return done or Counts()

    def _both(self, part: str, done: Counts) -> None:
        self._simulated[part] += done
        self._events[part] += done

    def _read_out(self, call: Call, done: Counts) -> None:
        """weights @ value after a simulation: where spikes are events, each adds its value vector."""
        assert call.result is not None
        width = call.result.shape[-1]
        rows = call.result.numel() // width
        others = 1.0 - min(1.0, self._unread.rows / rows)  # rows of heads that do not spike
        rest = Counts(macs=round(done.macs * others), bytes_tensor=round(done.bytes_tensor * others))
        self._simulated["read-out"] += done
        self._events["read-out"] += rest + Counts(synops=self._unread.spikes * width)
        self._unread = Usage()


class _Mode(TorchDispatchMode):
    """Hands every kernel to the counter, composite ones taken apart."""

    def __init__(self, counter: Counter) -> None:
        super().__init__()
        self.counter = counter

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        if torch._C._dispatch_has_kernel_for_dispatch_key(func.name(), "CompositeImplicitAutograd"):
            with self:
                taken_apart = func.decompose(*args, **kwargs)
            if taken_apart is not NotImplemented:
                return taken_apart
        out = func(*args, **kwargs)
        self.counter.kernel(func, Call(func.overloadpacket, args, kwargs, out))
        return out


class _Parts:
    """Which part of the model is at work, from the modules that are open and the operands.

    Inside an attention module a product with a weight of the model is a projection, and products of two
    activations come in pairs: scores, then the read-out of the values; what happens between them is the
    score map. A softmax or a simulation says by itself that the values come next. Elsewhere embeddings and
    norms go by the module's name or kind, and a numbered block's other work is its MLP. What runs while no
    module does (loss, optimiser) is outside.
    """

    def __init__(self, model: nn.Module | None) -> None:
        self.open: list[str] = []  # names of the modules that are running, outermost first
        self.between = False  # scores are made, values not yet read
        self.model = model
        self.hooks: list[Any] = []
        modules = {} if model is None else dict(model.named_modules())
        tensors = () if model is None else (*model.parameters(), *model.buffers())
        self.norms = {name for name, module in modules.items() if "norm" in type(module).__name__.lower()}
        self.layers = {name for name, module in modules.items() if hasattr(module, "weight")}
        self.weights = {t.untyped_storage().data_ptr() for t in tensors}
        for name, module in modules.items():
            self.hooks.append(module.register_forward_pre_hook(self._enter(name)))
            self.hooks.append(module.register_forward_hook(self._leave, always_call=True))

    def detach(self) -> None:
        for hook in self.hooks:
            hook.remove()

    def of(self, call: Call) -> str:
        if torch._C._current_graph_task_id() != -1:
            return "backward"
        if self.model is not None and not self.open:
            return "outside"
        name = self.open[-1] if self.open else ""
        words = name.lower().split(".")
        if call.packet in PICKS and self._of_the_model(call):
            return "embeddings"
        if any("emb" in word or word in ("wte", "wpe") for word in words):
            return "embeddings"
        if self.model is None or any("attn" in word or "attention" in word for word in words):
            return self._in_attention(call, name)
        self.between = False
        if name in self.norms:
            return "norms"
        return "mlp" if any(word.isdigit() for word in words) else "other"

    def _in_attention(self, call: Call, name: str) -> str:
        if call.packet in MATMULS and name not in self.layers and not self._of_the_model(call):
            self.between = not self.between
            return "scores" if self.between else "read-out"
        self.between |= call.packet in SOFTMAXES
        if self.between:
            return "score map"
        if self.model is None:
            return "other"
        return "norms" if name in self.norms else "projections"

    def _of_the_model(self, call: Call) -> bool:
        operands = (t for t in tree_leaves(call.args) if isinstance(t, Tensor))
        return any(t.untyped_storage().data_ptr() in self.weights for t in operands)

    def _enter(self, name: str) -> Callable[..., None]:
        def enter(module: nn.Module, args: Any) -> None:
            self.open.append(name)

        return enter

    def _leave(self, module: nn.Module, args: Any, out: Any) -> None:
        self.open.pop()
