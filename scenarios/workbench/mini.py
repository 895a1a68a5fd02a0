"""The mini-transformer of the swap scenarios: its task, the model trained or loaded, and fixed windows."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import asdict, dataclass
from pathlib import Path

from bridge import swap
from bridge.heads.choice import HeadChoice, chosen_heads
from pragmatic.attention import Head
from pragmatic.checkpoint import read_tensors, write_tensors
from pragmatic.tasks.batch import Batch, Task
from pragmatic.tasks.synthetic import TASKS, AssociativeRecall, Induction, Sorting
from pragmatic.tasks.text import Text
from pragmatic.training.evaluation import SequenceScores, score_sequences
from pragmatic.training.train import TrainParams, train
from pragmatic.transformer import Transformer, TransformerParams
from scenarios.workbench.errors import UsageError
from scenarios.workbench.head_params import HeadParams, chosen_text
from scenarios.workbench.outcome import RunContext
from scenarios.workbench.params import ScenarioParams, param
from scenarios.workbench.progress import Progress

__all__ = [
    "Mini",
    "MiniParams",
    "SizeParams",
    "SwapParams",
    "TaskParams",
    "mini_model",
    "sizes_of",
    "task_of",
    "time_shares",
]


@dataclass(frozen=True, kw_only=True)
class SizeParams(ScenarioParams):
    """Sizes of a small model and of its training."""

    n_layers: int = param(2, "layers of the model", at_least=1)
    n_heads: int = param(4, "attention heads in each", at_least=1)
    width: int = param(64, "of the residual stream, a multiple of n_heads", at_least=1)
    n_context: int = param(32, "tokens in a sequence", at_least=8)
    iterations: int = param(1500, "of training", at_least=1)
    batch: int = param(32, "sequences in each iteration", at_least=1)
    windows: int = param(256, "held-out sequences that everything is measured on", at_least=2)


@dataclass(frozen=True, kw_only=True)
class TaskParams(SizeParams):
    """The same and one task."""

    task: str = param("text", f"one of: {', '.join(TASKS)}", choices=tuple(TASKS))
    text: str | None = param(
        None, "UTF-8 file for task text; the English topics that ship with Python if none"
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.text is not None and self.task != "text":
            raise UsageError(f"text needs task text, got task {self.task!r}; leave one of the two out")


@dataclass(frozen=True, kw_only=True)
class MiniParams(TaskParams):
    """The same where a trained model may be given."""

    checkpoint: str | None = param(
        None, "a model.safetensors of an earlier run, of these sizes; trained if none"
    )


@dataclass(frozen=True, kw_only=True)
class SwapParams(HeadParams, MiniParams):
    """What besides says which heads spike, and in which circuit."""

    even_unlearnt: bool = param(False, "measure a model too that has not learnt its task")

    @property
    def pairs(self) -> list[tuple[int, int]]:
        """(layer, head) of each chosen head."""
        return chosen_heads(self.heads, [self.n_heads] * self.n_layers)

    @property
    def chosen(self) -> str:
        """The chosen heads in words."""
        return chosen_text(self.heads, [self.n_heads] * self.n_layers)


@dataclass(frozen=True, kw_only=True)
class Mini:
    """A trained model with its task."""

    model: Transformer
    task: Task
    windows: Batch  # held out

    def score(
        self,
        model: Transformer,
        progress: Progress | None = None,
        *,
        heads: HeadChoice = "all",
        head: Head | None = None,
    ) -> SequenceScores:
        """Loss and accuracy of this or another model on each window, with a head put in if one is given."""
        with nullcontext() if head is None else swap(model, heads=heads, head=head):
            return score_sequences(model, self.windows, batch_size=32, progress=progress)

    def save(self, path: Path) -> None:
        """Write what `--checkpoint` takes: the model, and for a text the characters that its tokens stand for."""
        about = {"transformer": asdict(self.model.params), "vocabulary": _vocabulary(self.task)}
        write_tensors(path, self.model.tensors(), about)


def mini_model(params: MiniParams, ctx: RunContext, *, share: float) -> Mini:
    """Load the checkpoint, or train a model as `pragmatic.training.train` does, in a `share` of the run's time.

    Raises
    ------
    ValueError, FileNotFoundError
        For a text that is absent, empty, too short or not UTF-8, or that holds characters which the
        checkpoint's model does not know, and a checkpoint that is none or of other sizes.
    """
    with ctx.progress.stage("train", share=share) as progress:
        if params.checkpoint is not None:
            model, task = _loaded(params, params.checkpoint)
        else:
            task = task_of(params)
            model = Transformer(sizes_of(params, task), ctx.rng)
            trained = TrainParams(
                n_iterations=params.iterations,
                batch_size=params.batch,
                n_warmup=min(100, params.iterations // 10),
            )
            train(model, task, trained, rng=ctx.rng, checkpoint=ctx.checkpoint("model"), progress=progress)
    return Mini(model=model, task=task, windows=task.held_out(params.windows))


def task_of(params: TaskParams, vocabulary: str = "") -> Task:
    """The task, in sequences of `n_context` tokens; of a text the vocabulary may be given."""
    length = params.n_context
    if params.task == "text":
        if params.text is not None:
            return Text.read(params.text, length=length, vocabulary=vocabulary)
        topics = Text.embedded(length=length)
        return Text(characters=topics.characters, length=length, vocabulary=vocabulary)
    if params.task == "recall":
        n_pairs = length // 8
        return AssociativeRecall(n_pairs=n_pairs, n_symbols=max(32, n_pairs), length=length)
    if params.task == "induction":
        longest = length // 2
        return Induction(
            n_symbols=max(32, longest), length=length, shortest=3 * longest // 8, longest=longest
        )
    if params.task == "sort":
        return Sorting(n_items=length // 2)
    return TASKS[params.task](length=length)


def time_shares(budgets: tuple[int, ...]) -> list[float]:
    """What part of the time goes to each number of spikes per row, for a progress bar."""
    cost = [16.0 + spikes for spikes in budgets]
    return [c / sum(cost) for c in cost]


def _loaded(params: MiniParams, path: str) -> tuple[Transformer, Task]:
    about = read_tensors(path, {"transformer": dict, "vocabulary": str})[1]
    task = task_of(params, about["vocabulary"])
    wanted, given = asdict(sizes_of(params, task)), about["transformer"]
    for name, value in wanted.items():
        if given.get(name) != value:
            raise UsageError(
                f"checkpoint must fit the parameters, got {name} {given.get(name)} in {path} for {value}; "
                "give the parameters that the model was trained with"
            )
    if about["vocabulary"] != _vocabulary(task):
        raise UsageError(f"checkpoint must be of a model for task {params.task}, got another in {path}")
    return Transformer.load(path), task


def sizes_of(params: SizeParams, task: Task) -> TransformerParams:
    """The model's parameters, with the task's vocabulary."""
    return TransformerParams(
        n_vocab=task.n_vocab,
        n_layers=params.n_layers,
        n_heads=params.n_heads,
        width=params.width,
        n_context=params.n_context,
    )


def _vocabulary(task: Task) -> str:
    return task.vocabulary if isinstance(task, Text) else ""
