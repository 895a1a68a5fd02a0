"""A Sphinx directive that simulates a row and puts its interactive figure into the page.

```{scrubbed-figure}
0 0.5 1 1.5 2
```

The body gives the scores. They are simulated when the page is built, by what `fortyhertz run gamma-selects
--interactive` runs.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

__all__ = ["setup"]

DURATION_ms = 2000.0


class ScrubbedFigure(SphinxDirective):
    """The shipped gamma circuit on one row of scores, at every setting of the grid."""

    has_content = True

    def run(self) -> list[nodes.Node]:
        """The fragment as raw HTML."""
        from scenarios.workbench.interactive import fragment, simulate
        from spiking import GammaCircuit

        scores = np.array(" ".join(self.content).split(), dtype=float)
        grid = simulate(GammaCircuit(), scores, duration_ms=DURATION_ms, rng=np.random.default_rng(0))
        return [nodes.raw("", fragment(grid), format="html")]


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the directive."""
    app.add_directive("scrubbed-figure", ScrubbedFigure)
    return {"parallel_read_safe": True, "version": "1"}
