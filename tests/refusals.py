"""Bad input on the command line, each with what must be said; `python -m tests.refusals` prints the table."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tests.forked import ROOT, run_forked

__all__ = ["REFUSALS", "Refusal", "answer", "prepare"]


@dataclass(frozen=True, kw_only=True)
class Refusal:
    """One wrong command and the words that its one line must hold."""

    what: str
    command: str
    says: str
    fresh: bool = False  # in an interpreter for itself, whose imports must say nothing either


REFUSALS = [
    Refusal(
        what="an export in a format that is not there",
        command="export any-run --to matlab",
        says="unknown format 'matlab'",
    ),
    Refusal(
        what="noise as NIR", command="export brief --to nir", says="NIR cannot express 'exc': its reset draws"
    ),
    Refusal(what="NaN score", command="compare --scores nan.npy", says="scores must be finite, got nan"),
    Refusal(what="infinite score", command="compare --scores inf.npy", says="scores must be finite, got inf"),
    Refusal(what="scores not 2-D", command="compare --scores cube.npy", says="scores must be 2-D"),
    Refusal(what="zero keys", command="compare --scores nokeys.npy", says="at least one row and key"),
    Refusal(
        what="an all-masked row",
        command="compare --scores good.npy --mask empty.npy",
        says="leave every row a key",
    ),
    Refusal(
        what="mask of another shape",
        command="compare --scores good.npy --mask other.npy",
        says="mask must have the shape of the scores, (3, 4), got (2, 2)",
    ),
    Refusal(
        what="negative temperature",
        command="compare --scores good.npy --temperature -1",
        says="temperature must be",
    ),
    Refusal(
        what="zero temperature",
        command="compare --scores good.npy --temperature 0",
        says="temperature must be",
    ),
    Refusal(
        what="zero duration", command="compare --scores good.npy --duration-ms 0", says="duration_ms must be"
    ),
    Refusal(
        what="duration under one cycle",
        command="compare --scores good.npy --duration-ms 20",
        says="duration_ms must be >= 34, got 20.0",
    ),
    Refusal(what="negative cells", command="compare --scores good.npy --n-cells -5", says="n_cells must be"),
    Refusal(what="zero cells", command="compare --scores good.npy --n-cells 0", says="n_cells must be"),
    Refusal(
        what="unknown scenario",
        command="run softmax-from-spike",
        says="did you mean 'softmax-from-spikes'? known: gamma-selects",
    ),
    Refusal(what="unknown run", command="show nope", says="run must be a run's folder or name, got 'nope'"),
    Refusal(what="a run to compare with none", command="diff nope nope", says="in runs/: none"),
    Refusal(what="no run to list", command="index", says="there must be a run, got none in runs/"),
    Refusal(
        what="an export of an unknown run",
        command="export nope --nwb spikes.nwb",
        says="run must be a run's folder or name",
    ),
    Refusal(
        what="a text of more tokens than the model has positions",
        command="compare --model minilm --text-file long.txt",
        says="at most 512 tokens, got 602; give it in windows, each as a separate run with about 510 words",
        fresh=True,
    ),
    Refusal(
        what="a scenario file that is absent",
        command="run gone.py",
        says="scenario file must exist, got gone.py",
    ),
    Refusal(
        what="a scenario file of another kind",
        command="run pairs.tsv",
        says="scenario file must be Python, got pairs.tsv",
    ),
    Refusal(
        what="a scenario file without a question", command="run mute.py", says="mute.py must ask a QUESTION"
    ),
    Refusal(
        what="a scenario file without Params or run", command="run bare.py", says="bare.py must hold Params"
    ),
    Refusal(
        what="a parameter without help",
        command="run helpless.py",
        says="Params of helpless.py: sides must be made with param() and a line of help",
    ),
    Refusal(
        what="a scenario file that raises on import",
        command="run raises.py",
        says="raises.py must be imported without an error, got ZeroDivisionError in line 1",
    ),
    Refusal(
        what="a scenario that raises in run",
        command="run fails.py",
        says="fails.py must run without an error, got KeyError in line 9: 'x'",
    ),
    Refusal(
        what="a name that is no module's",
        command="new my-study",
        says="name must be letters, digits and _, not first a digit, got 'my-study'",
    ),
    Refusal(
        what="unknown parameter",
        command="run gamma-selects --tau-gabba 3",
        says="unknown parameter of gamma-selects",
    ),
    Refusal(
        what="a knob turned by no factor",
        command="run circuit-knobs --factor 1",
        says="factor must be >= 1.1, got 1.0",
    ),
    Refusal(
        what="heads that do not divide the width",
        command="run modulating-feedback --width 10",
        says="width must be a multiple of n_heads (4), got 10; use 12",
    ),
    Refusal(
        what="a field of strengths that do not rise",
        command="run modulating-field --strengths 0.5,0.1",
        says="strengths must be ordered without repeats, got 0.5,0.1; use 0.1,0.5",
    ),
    Refusal(
        what="parity of more signs than places",
        command="run adaptive-depth --most-signs 9",
        says="most_signs must be <= n_places, got 9 for 8",
    ),
    Refusal(
        what="a lead that no row can need",
        command="run adaptive-depth --lead 0",
        says="lead must be >= 1, got 0",
    ),
    Refusal(
        what="an unknown kind of heads",
        command="run adaptive-depth --heads spikng",
        says="did you mean 'spiking'?",
    ),
    Refusal(what="unknown engine", command="run gamma-selects --engine nest", says="known: events, fused,"),
    Refusal(what="unknown model", command="compare --model bert", says="known: minilm"),
    Refusal(
        what="no such head",
        command="compare --model minilm --layer 9",
        says="no head 9.0 in this model; it has 0.0 to 0.11",
    ),
    Refusal(what="empty text", command="compare --model minilm --text ''", says="text must not be"),
    Refusal(
        what="absent file", command="compare --scores absent.npy", says="file must exist, got absent.npy"
    ),
    Refusal(what="not an array", command="compare --scores text.npy", says="file must be a NumPy array"),
    Refusal(what="a pickled array", command="compare --scores pickled.npy", says="not pickled"),
    Refusal(
        what="model to swap",
        command="swap gpt5",
        says="model must be mini, minilm, smollm2, a .gguf file or a folder, got gpt5",
    ),
    Refusal(
        what="a circuit of no known name",
        command="run rank-collapse --circuit softmx",
        says="circuit must be one of",
    ),
    Refusal(
        what="a budget without spikes",
        command="run rank-collapse --spikes 64,0",
        says="spikes must be >= 1, got 0",
    ),
    Refusal(
        what="a bad line of trees",
        command="run parse-geometry --trees bad.conllu",
        says="a word must have 10 columns with tabs between, got 3 in line 2 of bad.conllu",
    ),
    Refusal(
        what="trees that are no trees",
        command="run parse-geometry --trees loop.conllu",
        says="heads must form a tree with one root, got another graph in the sentence that ends in line 4",
    ),
    Refusal(
        what="a file of trees that is absent",
        command="run parse-geometry --trees gone.conllu",
        says="trees must be a CoNLL-U file, got gone.conllu",
    ),
    Refusal(
        what="a bad line of pairs",
        command="swap minilm --pairs pairs.tsv",
        says="got 2 fields in line 2 of pairs.tsv",
    ),
    Refusal(
        what="an output folder that cannot be written",
        command="compare --scores good.npy --out text.npy/run",
        says="text.npy",
    ),
    Refusal(
        what="budgets out of order",
        command="run expressive-transformer --spikes 64,16",
        says="spikes must be ordered without repeats, got 64,16; use 16,64",
    ),
    Refusal(
        what="more matches than tokens",
        command="run expressive-transformer --matches 12",
        says="matches must be <= 11, got 12",
    ),
    Refusal(
        what="a program that jumps outside of its memory",
        command="run universal-machine --program 0,0,99",
        says="an instruction must lie within the memory of 64 cells, got a jump to 99",
    ),
    Refusal(
        what="a program that never halts",
        command="run universal-machine --program 3,3,0,0",
        says="a program must halt within 1000 steps, got one that runs on",
    ),
    Refusal(
        what="heads without those that the report compares",
        command="run rank-collapse --heads softmax,sampled",
        says="heads must have softmax and spiking among them, which the report compares, got softmax,sampled",
    ),
    Refusal(
        what="unknown heads",
        command="run universal-machine --heads silent",
        says="known: softmax, spiking, sampled",
    ),
    Refusal(
        what="a machine's program with an unknown neuron",
        command="run dmm-traces --program neuron.json",
        says="neuron.json: unknown neuron type 'acum'; did you mean 'accum'",
    ),
    Refusal(
        what="a link from an address that does not exist",
        command="run dmm-traces --program address.json",
        says="must come from neurons with inputs or an output at the start, got accum.b.single",
    ),
    Refusal(
        what="a program with a NaN leaf",
        command="run dmm-traces --program leaf.json",
        says="accum.a.single.x must hold finite numbers, got nan; correct that leaf",
    ),
    Refusal(
        what="modules that contain each other",
        command="run dmm-traces --program cycle.json",
        says="modules must not contain each other, got a in b in a; take one part out",
    ),
    Refusal(
        what="a matrix whose rows explode",
        command="run dmm-traces --program explodes.json --shown 60",
        says="of the network matrix must have absolute weights that add up to at most 1e+06, got",
    ),
    Refusal(
        what="a V-value that is too deep",
        command="run dmm-traces --program deep.json",
        says="must be at most 32 levels deep, got a deeper one",
    ),
    Refusal(
        what="rows of a single key",
        command="run hard-for-transformers --keys 1,16",
        says="keys must be >= 2, got 1",
    ),
    Refusal(
        what="no softmax to compare with",
        command="run hard-for-transformers --heads spiking",
        says="heads must have softmax among them",
    ),
    Refusal(
        what="more columns for a task than there are",
        command="run fast-weights --gate 65",
        says="gate must be <= columns, got 65 of 64; use 64",
    ),
    Refusal(
        what="heads that do not divide the width",
        command="run fast-weights --width 30",
        says="width must be a multiple of 4, got 30; use 64",
    ),
    Refusal(
        what="a cycle of two updates",
        command="run self-modifying-attention --n 2",
        says="n must be >= 3, got 2",
    ),
    Refusal(
        what="temperatures out of order",
        command="run self-modifying-attention --ratios 1.5,0.5",
        says="ratios must be ordered without repeats, got 1.5,0.5; use 0.5,1.5",
    ),
    Refusal(
        what="more writers than points",
        command="run shared-workspace --others 0 --writers 4",
        says="writers must be at most the number of points (3), got 4; use 3 or less",
    ),
    Refusal(
        what="more keys than other variables",
        command="run sparse-factors --variables 6 --top 6",
        says="top must be at most the number of other variables (5), got 6; use 5 or less",
    ),
    Refusal(
        what="a workspace without slots",
        command="run workspace --slots 0",
        says="slots must be >= 1, got 0",
    ),
    Refusal(
        what="numbers of items out of order",
        command="run workspace --items 4,2",
        says="items must be ordered without repeats, got 4,2; use 2,4",
    ),
    Refusal(
        what="more winners than keys",
        command="run first-to-spike --k 2,9",
        says="k must be at most n_keys, got 9 of 8 keys",
    ),
    Refusal(
        what="more active modules than there are",
        command="run independent-mechanisms --active 6",
        says="active must be <= 4, got 6",
    ),
    Refusal(
        what="digits finer than they are",
        command="run sequential-digits --finer 5,9",
        says="finer must be <= 8, got 9",
    ),
    Refusal(
        what="missing extra",
        command="compare --model minilm",
        says="pip install '.[hf]' in the checkout",
        fresh=True,
    ),
]

# Stands for an interpreter without the extra `hf`: the import fails as it would there.
_WITHOUT_HF = "import sys; sys.modules['transformers'] = None; "
_MAIN = "import sys; from scenarios.workbench.cli import main; sys.exit(main({words!r}))"


def prepare(folder: Path) -> None:
    """Write the files that the commands name."""
    good = np.zeros((3, 4))
    np.save(folder / "good.npy", good)
    for name, value in (("nan", np.nan), ("inf", np.inf)):
        bad = good.copy()
        bad[1, 2] = value
        np.save(folder / f"{name}.npy", bad)
    np.save(folder / "cube.npy", np.zeros((2, 3, 4)))
    np.save(folder / "nokeys.npy", np.zeros((3, 0)))
    np.save(folder / "empty.npy", np.array([[True] * 4, [False] * 4, [True] * 4]))
    np.save(folder / "other.npy", np.ones((2, 2), dtype=bool))
    np.save(folder / "pickled.npy", np.array([{"a": 1}], dtype=object), allow_pickle=True)
    (folder / "bad.conllu").write_text("# text = A cat\n1\tA\tcat\n\n", encoding="utf-8")
    row = "{}\t{}\t_\tNOUN\t_\t_\t{}\t_\t_\t_\n"
    loop = row.format(1, "a", 0) + row.format(2, "b", 3) + row.format(3, "c", 2)
    (folder / "loop.conllu").write_text(loop + "\n", encoding="utf-8")
    (folder / "pairs.tsv").write_text("3\ta cat\ta dog\n4\ta bird\n", encoding="utf-8")
    (folder / "long.txt").write_text("cat " * 600, encoding="utf-8")
    (folder / "text.npy").write_text("not an array", encoding="utf-8")
    _write_scenarios(folder)
    _write_programs(folder)


def _write_scenarios(folder: Path) -> None:
    """Scenario files, each with one fault."""
    imports = (
        "from dataclasses import dataclass\nfrom scenarios.workbench.params import ScenarioParams, param\n"
    )
    question = "QUESTION = 'What does a die show?'\n"
    params = (
        "@dataclass(frozen=True, kw_only=True)\nclass Params(ScenarioParams):\n    sides: int = {default}\n"
    )
    run = "def run(params, ctx):\n    return {}['x']\n"
    good, bare = params.format(default="param(6, 'of the die')"), params.format(default=6)
    for name, text in {
        "mute": imports + good + run,
        "bare": imports + question,
        "helpless": imports + question + bare + run,
        "raises": "1 / 0\n",
        "fails": imports + question + "\n" + good + run,
    }.items():
        (folder / f"{name}.py").write_text(text, encoding="utf-8")


def _write_programs(folder: Path) -> None:
    """Programs of dataflow matrix machines, each with one fault."""
    own = {"accum.a.accum": {"accum.a.single": 1}}
    inside = {name: {"links": {}, "parts": {"it": other}} for name, other in (("a", "b"), ("b", "a"))}
    deep: dict[str, object] = {"x": 1.0}
    for _ in range(40):
        deep = {"x": deep}
    for name, program in {
        "neuron": {"links": {"acum.a.delta": {}}},
        "address": {"links": {"accum.a.delta": {"accum.b.single": 1}}},
        "leaf": {"links": own, "outputs": {"accum.a.single": {"x": float("nan")}}},
        "cycle": {"links": {}, "modules": inside, "parts": {"one": "a"}},
        "explodes": {"links": {"accum.self.delta": {"accum.self.single": 1}}},
        "deep": {"links": own, "outputs": {"accum.a.single": deep}},
    }.items():
        (folder / f"{name}.json").write_text(json.dumps(program), encoding="utf-8")


def answer(refusal: Refusal, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run the command in `folder`, as a user would, and return what it said."""
    words = shlex.split(refusal.command)
    if not refusal.fresh:
        return run_forked(words, folder)
    code = (_WITHOUT_HF if refusal.what == "missing extra" else "") + _MAIN.format(words=words)
    return subprocess.run(
        [sys.executable, "-c", code],
        cwd=folder,
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        timeout=120,
    )


def main() -> None:
    folder = Path(tempfile.mkdtemp())
    try:
        prepare(folder)
        print("| input | command `fortyhertz …` | status | says |\n|---|---|---|---|")
        for refusal in REFUSALS:
            said = answer(refusal, folder)
            print(
                f"| {refusal.what} | `{refusal.command}` | {said.returncode} | {said.stderr.strip()} |",
                flush=True,
            )
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
