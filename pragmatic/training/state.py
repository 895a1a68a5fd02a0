"""The state of a training: everything that a checkpoint must hold to resume exactly."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Protocol, cast

import numpy as np
import torch
from torch import Tensor, nn

from pragmatic.checkpoint import put_tensors, read_tensors, write_tensors
from pragmatic.tasks.batch import Task
from pragmatic.training.evaluation import Evaluation
from pragmatic.transformer import Transformer

__all__ = ["Remembering", "TrainState", "heads_state", "identity_of", "restore_heads"]


class Remembering(Protocol):
    """A head with a state that changes from call to call, such as the random stream of a simulated one.

    It tells where it is and takes it back, by the names that `torch.nn.Module` has for this; JSON must be able
    to hold the state. A training then resumes exactly, and an evaluation inside one leaves no trace.
    """

    def get_extra_state(self) -> Any: ...
    def set_extra_state(self, state: Any) -> None: ...


@dataclass
class TrainState:
    """The model, its optimiser and generator, and what has been measured so far."""

    model: Transformer
    optimizer: torch.optim.Optimizer
    rng: np.random.Generator
    losses: list[float] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    evaluations: list[Evaluation] = field(default_factory=list)

    @property
    def iteration(self) -> int:
        """Steps done."""
        return len(self.losses)

    def save(self, path: Path, identity: dict[str, Any]) -> None:
        """Write everything to one file, atomically."""
        tensors = {f"model/{name}": tensor for name, tensor in self.model.tensors().items()}
        for name, parameter in self.model.named_parameters():
            for slot, tensor in self.optimizer.state[parameter].items():
                tensors[f"{slot}/{name}"] = tensor
        tensors["losses"] = torch.tensor(self.losses, dtype=torch.float64)
        tensors["seconds"] = torch.tensor(self.seconds, dtype=torch.float64)
        progress = {
            "rng": self.rng.bit_generator.state,
            "head states": heads_state(self.model),
            "evaluations": [asdict(evaluation) for evaluation in self.evaluations],
        }
        write_tensors(path, tensors, {"identity": identity, "progress": progress})

    def restore(self, path: Path, identity: dict[str, Any]) -> None:
        """Restore everything; ValueError if the file belongs to another training."""
        tensors, about = read_tensors(path, {"identity": dict, "progress": dict})
        for what, now in identity.items():
            then = about["identity"].get(what)
            if then != now:
                raise ValueError(
                    f"checkpoint {path} must be of the same training, got another {what}: {then} for {now}; "
                    "use another path, or remove it to start afresh"
                )
        parts: dict[str, dict[str, Tensor]] = {}
        for name, tensor in tensors.items():
            slot, _, rest = name.partition("/")
            parts.setdefault(slot, {})[rest] = tensor
        self.losses, self.seconds = parts.pop("losses")[""].tolist(), parts.pop("seconds")[""].tolist()
        put_tensors(self.model.tensors(), parts.pop("model"), str(path))
        for name, parameter in self.model.named_parameters():
            slots = {slot: named[name] for slot, named in parts.items() if name in named}
            if slots:
                self.optimizer.state[parameter] = slots
        self.rng.bit_generator.state = about["progress"]["rng"]
        restore_heads(self.model, about["progress"]["head states"])
        self.evaluations = [Evaluation(**entry) for entry in about["progress"]["evaluations"]]


def identity_of(
    model: Transformer, task: Task, params: Mapping[str, Any], rng: np.random.Generator
) -> dict[str, Any]:
    """Describe a training, for a checkpoint to be compared with; ValueError for an rng that JSON cannot hold."""
    state = rng.bit_generator.state
    if not isinstance(state["state"], dict) or set(state["state"]) != {"state", "inc"}:
        raise ValueError(
            f"rng must be made by np.random.default_rng to be kept, got {state['bit_generator']}"
        )
    return {
        "training": dict(params),
        "transformer": asdict(model.params),
        "task": repr(task),
        "heads": [[_name(head) for head in block.attention.heads] for block in model.blocks],
        "rng at the start": state,
    }


def _name(head: object) -> str:
    """Describe a head by its types: enough to notice that a checkpoint has other heads."""
    name = getattr(head, "__qualname__", type(head).__qualname__)
    score_map = getattr(head, "score_map", None)
    return name if score_map is None else f"{name}({type(score_map).__qualname__})"


def _remembering(model: Transformer) -> list[Remembering]:
    """List each head object that keeps a state, once."""
    heads = {id(head): head for block in model.blocks for head in block.attention.heads}
    return [cast(Remembering, head) for head in heads.values() if _remembers(type(head))]


def _remembers(kind: type) -> bool:
    inherited = nn.Module.get_extra_state  # which raises unless a module overrides it
    return getattr(kind, "get_extra_state", inherited) is not inherited


def heads_state(model: Transformer) -> list[Any]:
    """Return the state of each head that keeps one."""
    return [head.get_extra_state() for head in _remembering(model)]


def restore_heads(model: Transformer, states: list[Any]) -> None:
    """Restore the state of each head that keeps one."""
    for head, state in zip(_remembering(model), states, strict=True):
        head.set_extra_state(state)
