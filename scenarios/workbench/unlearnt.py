"""A model that has not learnt its task: said first, and the end of an analysis that would be about nothing."""

from __future__ import annotations

import xarray as xr

from scenarios.workbench.chance import LEARNT, guessed, skill
from scenarios.workbench.lines import Lines
from scenarios.workbench.mini import Mini, SwapParams
from scenarios.workbench.outcome import Outcome, RunContext
from scenarios.workbench.tables import columns

__all__ = ["unlearnt"]


def unlearnt(params: SwapParams, ctx: RunContext, mini: Mini) -> Outcome | None:
    """Return the outcome to stop with, None if the model has learnt its task or is to be measured all the same.

    Learnt means: at least a tenth of the way from the best guess without attention to perfect accuracy. The
    guesses have a generator of their own, so that the run's numbers do not depend on this check.
    """
    scores = mini.score(mini.model)
    how, guess = guessed(mini.task, mini.windows, ctx.rng.spawn(1)[0])
    gained = skill(float(scores.accuracy.mean()), guess)
    if params.even_unlearnt or gained >= LEARNT:
        return None
    lines = Lines()
    accuracy = lines.add("accuracy", "accuracy of the model with softmax", scores.accuracy, floor=guess)
    lines.add("guess", f"accuracy of a guess {how}", guess)
    lines.add("loss", "loss of the model with softmax", scores.loss, unit="nat")
    said = (
        f"The model has not learnt task {params.task}: its accuracy is {accuracy.text()}, and guessing "
        f"{how}, without any attention, reaches {guess:.3f}.",
        "So there is nothing that spikes could lose, and no head was swapped.",
        f"Train longer than {params.iterations} iterations (--iterations), take another size or task, or "
        "measure it all the same (fortyhertz run with --even-unlearnt).",
    )
    return Outcome(
        dataset=xr.Dataset(
            {
                **columns("window", "nat", softmax_loss=scores.loss),
                **columns("window", softmax_accuracy=scores.accuracy),
            }
        ),
        metrics=lines.metrics,
        headline=("accuracy", "guess", "loss"),
        pictures={},
        verdict=" ".join(said),
        in_short=said,
        files={"model.safetensors": mini.save},
    )
