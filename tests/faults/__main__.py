"""`python -m tests.faults [WORD ...]`: plant the faults whose name or list (`of_engines`) holds one of the words.

The work is done in copies of the tree; nothing is changed in place. A fault is caught if one of the tests that it
names fails, not if they cannot be run at all. Ends with 0 if at least 95 % are caught.
"""

from __future__ import annotations

import os
import queue
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.faults import Fault
from tests.faults.of_circuits import OF_CIRCUITS
from tests.faults.of_engines import OF_ENGINES
from tests.faults.of_learning import OF_LEARNING
from tests.faults.of_measures import OF_MEASURES

ROOT = Path(__file__).parents[2]
LISTS = {
    "of_circuits": OF_CIRCUITS,
    "of_engines": OF_ENGINES,
    "of_measures": OF_MEASURES,
    "of_learning": OF_LEARNING,
}
JOBS = 2
LIMIT_S = 900  # of processor time: on a busy machine a clock would call slow tests endless
STILL_S = 3600  # of the clock: a test that waits takes no processor time
LIMITED = (
    "import resource, sys, pytest\n"
    f"resource.setrlimit(resource.RLIMIT_CPU, ({LIMIT_S}, {LIMIT_S + 60}))\n"
    "sys.exit(pytest.main(sys.argv[1:]))"
)
LEAST = 0.95  # of the faults that must be caught
CAUGHT, SLIPPED, STALE, BROKEN, ENDLESS = "caught", "SLIPPED", "STALE", "BROKEN", "ENDLESS"


def main(words: list[str]) -> int:
    """Plant, count, and say how many were caught."""
    chosen = _chosen(words)
    if not chosen:
        print(f"no fault's name holds {' or '.join(words)}; lists: {', '.join(LISTS)}", file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory(prefix="fortyhertz-faults-") as folder:
        copies: queue.Queue[Path] = queue.Queue()
        for number in range(JOBS):
            copies.put(_copy(Path(folder, str(number))))

        def plant(fault: Fault) -> str:
            copy = copies.get()
            try:
                began = time.monotonic()
                outcome = _outcome(fault, copy)
                print(f"{outcome:<8}{time.monotonic() - began:6.0f} s  {fault.name}", flush=True)
                return outcome
            finally:
                copies.put(copy)

        with ThreadPoolExecutor(JOBS) as pool:
            outcomes = Counter(pool.map(plant, chosen))
    others = "".join(f"; {n} {name}" for name, n in sorted(outcomes.items()) if name != CAUGHT)
    print(f"{outcomes[CAUGHT]} of {len(chosen)} planted faults caught{others}")
    return 0 if outcomes[CAUGHT] >= LEAST * len(chosen) else 1


def _chosen(words: list[str]) -> list[Fault]:
    return [
        fault
        for name, faults in LISTS.items()
        for fault in faults
        if not words or any(word == name or word in fault.name for word in words)
    ]


def _copy(folder: Path) -> Path:
    """The files that git knows or does not ignore, as they stand."""
    asked = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    listed = subprocess.run(asked, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for name in filter(None, listed.split("\0")):
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)
    return folder


def _outcome(fault: Fault, copy: Path) -> str:
    path = copy / fault.file
    whole = path.read_text(encoding="utf-8") if path.is_file() else ""
    if whole.count(fault.old) != 1:
        return STALE
    path.write_text(whole.replace(fault.old, fault.new), encoding="utf-8")
    try:
        return _tested(fault, copy)
    finally:
        path.write_text(whole, encoding="utf-8")


def _tested(fault: Fault, copy: Path) -> str:
    environment = {
        "FORTYHERTZ_DATA": str(ROOT.parent / "shared" / "data"),
        **os.environ,
        "PYTHONPATH": str(copy),
        "PYTHONDONTWRITEBYTECODE": "1",
        "OMP_NUM_THREADS": "1",
    }
    words = [sys.executable, "-c", LIMITED, "-x", "-q", "--no-header", *fault.nodes]
    try:
        run = subprocess.run(
            words, cwd=copy, env=environment, capture_output=True, text=True, timeout=STILL_S, check=False
        )
    except subprocess.TimeoutExpired:
        return ENDLESS
    if run.returncode == -signal.SIGXCPU:
        return ENDLESS
    if run.returncode == 1 or run.returncode < 0:  # a test failed, or crashed Python, as wrong code may
        return CAUGHT
    if run.returncode:
        print(run.stdout[-2000:], run.stderr[-500:], file=sys.stderr)
    return BROKEN if run.returncode else SLIPPED


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
