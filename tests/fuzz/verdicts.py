"""What came of one odd input: taken, refused in clear words, or one of the five kinds of failure.

The rules, so that nobody has to judge by taste:

- success: a result; of a selection, its weights are finite and each row sums to 1 or is reported silent.
- refusal: ValueError, TypeError, or an OSError with its path, that a `raise` of this project made, of one line and
  at most 400 characters, that states a rule (one of RULES) and, after a semicolon or a second sentence, a remedy or
  what is known. On the command line: status 2, nothing on stdout, and one line ``error: ...`` of that kind, or a
  sentence of click that names the option; notes and lines of progress may stand before it.
- unclear: any other ValueError, TypeError or message; an error that a library or the interpreter made inside.
- traceback: any other exception (AttributeError, ZeroDivisionError, a RuntimeWarning of our packages, ...).
- silent: a result for an input that no result can be right for, such as a masked array or a negative time.
- hang: no answer within the deadline.
- litter: a file that stays after a refusal.
"""

from __future__ import annotations

import linecache
import re
import signal
import traceback
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any

import numpy as np

__all__ = ["FAILURES", "KINDS", "Hang", "Verdict", "is_clear", "judge", "within_deadline"]

KINDS = ("success", "refusal", "traceback", "hang", "unclear", "silent", "litter")
FAILURES = KINDS[2:]
OURS = tuple(
    str(Path(__file__).parents[2] / folder) for folder in ("spiking", "bridge", "pragmatic", "scenarios")
)
RULES = re.compile(
    r"\b(must|needs?|cannot|can not|has no|have no|takes|give|unknown|no head|are of|is not installed|does not)\b"
)
REMEDY = re.compile(r"(; |\. |: |known: |Did you mean)")
LONGEST = 400


class Hang(BaseException):
    """No answer within the deadline."""


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What came of an input."""

    kind: str
    words: str = ""  # the message, or where the failure lies


@contextmanager
def within_deadline(seconds: float) -> Iterator[None]:
    """Raise `Hang` after so many seconds; of compiled code, when it comes back."""

    def alarm(number: int, frame: FrameType | None) -> None:
        raise Hang

    before = signal.signal(signal.SIGALRM, alarm)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def is_clear(message: str) -> bool:
    """Whether a message states a rule and a remedy, in one line."""
    short = message.strip() and "\n" not in message.strip() and len(message) <= LONGEST
    return bool(short and RULES.search(message) and REMEDY.search(message))


def judge(call: Callable[[], Any], *, refusable: bool, deadline_s: float) -> Verdict:
    """Run one call of the Python API.

    Parameters
    ----------
    call : callable
    refusable : bool
        Whether a result may be right; otherwise it has to be refused.
    deadline_s : float
    """
    try:
        with warnings.catch_warnings(), within_deadline(deadline_s):
            warnings.simplefilter("ignore")
            warnings.filterwarnings(
                "error", category=RuntimeWarning, module=r"(spiking|bridge|pragmatic|scenarios)\b"
            )
            result = call()
    except Hang:
        return Verdict(kind="hang", words=f"no answer in {deadline_s:g} s")
    except Exception as error:
        return _of_error(error)
    if not refusable:
        return Verdict(kind="silent", words=f"gave a {type(result).__name__}")
    return _of_result(result)


def _of_error(error: Exception) -> Verdict:
    where = traceback.extract_tb(error.__traceback__)[-1]
    raised = linecache.getline(where.filename, where.lineno or 0).strip()
    ours = where.filename.startswith(OURS) and raised.startswith("raise")
    said = f"{type(error).__name__}: {error}"
    if not isinstance(error, (ValueError, TypeError, OSError, ModuleNotFoundError, RuntimeError)):
        return Verdict(
            kind="traceback", words=f"{said} [{Path(where.filename).name}:{where.lineno} {raised}]"
        )
    if isinstance(error, OSError) and error.filename is not None:
        return Verdict(kind="refusal", words=said)
    if ours and is_clear(str(error)):
        return Verdict(kind="refusal", words=said)
    return Verdict(kind="unclear", words=f"{said} [{Path(where.filename).name}:{where.lineno} {raised}]")


def _of_result(result: Any) -> Verdict:
    selection = getattr(result, "selection", result)
    weights, silent = (getattr(selection, name, None) for name in ("weights", "silent"))
    if isinstance(weights, np.ndarray) and isinstance(silent, np.ndarray):
        total = weights.sum(axis=-1)
        if not np.isfinite(weights).all() or not np.allclose(total[~silent], 1) or total[silent].any():
            return Verdict(kind="silent", words="weights that do not sum to 1")
    return Verdict(kind="success")
