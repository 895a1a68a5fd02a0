"""Every wrong command is answered in one line with status 2, and leaves nothing behind."""

from __future__ import annotations

from pathlib import Path

import pytest
from refusals import REFUSALS, Refusal, answer, prepare


@pytest.mark.parametrize("refusal", REFUSALS, ids=lambda refusal: refusal.what)
def test_refused(refusal: Refusal, tmp_path: Path) -> None:
    prepare(tmp_path)
    before = sorted(tmp_path.rglob("*"))
    said = answer(refusal, tmp_path)
    assert said.returncode == 2, said.stderr
    lines = said.stderr.strip().splitlines()
    assert len(lines) == 1, said.stderr
    assert refusal.says in lines[0]
    assert said.stdout == ""
    assert sorted(tmp_path.rglob("*")) == before
