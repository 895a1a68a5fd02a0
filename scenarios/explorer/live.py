"""A row that goes on while it is watched: simulated ahead in spans, read up to any moment."""

from __future__ import annotations

import threading
import warnings

import numpy as np

from scenarios.explorer.state import Setting
from scenarios.one_row import watched_circuit
from scenarios.one_row.measures import Watched
from spiking import Fused, RowCircuit, Selection

__all__ = ["FIRST_ms", "Live"]

OWN = ("n_cells", "inhibition", "tau_gaba_ms", "delay_ms")
FIRST_ms = 1000.0  # of the first span
MOST_SPIKES = 2_000_000  # that a row holds for a page, of E and I cells: some 40 MB


class Live:
    """The row of one setting, as far as it has been simulated.

    Each span is twice as long as the one before and begins anew: with the same seed a longer run begins with the
    spikes of a shorter one, so nothing that was shown changes, and all spans together cost twice the last.
    """

    def __init__(self, setting: Setting) -> None:
        self.setting = setting
        self.notes: tuple[str, ...] = ()  # what the circuit warns of
        self._circuit: RowCircuit | None = None
        self._lock = threading.Lock()
        self.ends_ms = setting.params.duration_ms  # where the row ends on a page
        self.selection = self.grown(None)
        self._end_in_time()

    @property
    def own(self) -> dict[str, float | None]:
        """Values that the circuit has for the fields of a setting; None for one that it lacks."""
        held = getattr(self._circuit, "params", self._circuit)
        return {name: getattr(held, name, None) for name in OWN}

    @property
    def scores(self) -> np.ndarray:
        """Divided by the temperature, (1, n_keys)."""
        return self.setting.params.row / self.setting.params.temperature

    @property
    def is_whole(self) -> bool:
        """Whether the row has reached its end on a page."""
        return self.selection.duration_ms >= self.ends_ms

    @property
    def is_cut(self) -> bool:
        """Whether that is before the end of the setting."""
        return self.ends_ms < self.setting.params.duration_ms

    def grow(self) -> Live:
        """Simulate the next span."""
        if not self.is_whole:
            self.selection = self.grown(self.selection)
        return self

    def grown(self, before: Selection | None) -> Selection:
        """The row with its next span, or with its first."""
        params, seed = self.setting.params, self.setting.seed
        span_ms = FIRST_ms if before is None else 2 * before.duration_ms
        with self._lock, warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            rng = np.random.default_rng(seed)
            if self._circuit is None:
                self._circuit = watched_circuit(params, Fused(), rng.spawn(1)[0])
            selection = self._circuit.attend(
                params.row,
                duration_ms=min(span_ms, self.ends_ms),
                rng=rng,
                record="all",
                engine=Fused(),
            )
        noted = [str(one.message) for one in caught if one.category is UserWarning]
        self.notes = tuple(dict.fromkeys((*self.notes, *noted)))
        return selection

    def _end_in_time(self) -> None:
        """End the row before it holds more spikes than a page can keep."""
        seen = self.selection
        n_spikes = len(seen.spikes) + sum(len(spikes.time_ms) for spikes in seen.other_spikes.values())
        longest_ms = seen.duration_ms * MOST_SPIKES / max(n_spikes, 1)
        if longest_ms < self.ends_ms:
            self.ends_ms = max(seen.duration_ms, longest_ms)
            self.notes += (
                f"The row is shown for {self.ends_ms / 1e3:.1f} s: with {1e3 * n_spikes / seen.duration_ms:,.0f} "
                "spikes a second a page cannot keep more; the command runs it whole.",
            )

    def watched(self, until_ms: float) -> Watched:
        """What was seen up to a moment."""
        return Watched.of(self.selection, self.scores, until_ms)
