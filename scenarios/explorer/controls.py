"""The sliders of a setting: set from it, and read back into one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import panel as pn

from scenarios.explorer.pictures import hex_colours
from scenarios.explorer.state import CAN_BE_IMPORTED, Setting
from scenarios.one_row import KEYS, Params
from scenarios.workbench.errors import UsageError

__all__ = ["Controls"]

SLIDERS = {  # field of Params -> label, lowest, highest, step; beyond them an address or the typed scores may go
    "n_cells": ("E cells per key", 1, 200, 1),
    "temperature": ("temperature", 0.1, 5.0, 0.05),
    "inhibition": ("inhibition (scores)", 0.0, 40.0, 0.5),
    "tau_gaba_ms": ("decay of inhibition τ_GABA (ms)", 1.0, 40.0, 0.5),
    "delay_ms": ("delay (ms)", 0.2, 10.0, 0.1),
}
SECONDS = (1, 2, 5, 10, 20, 30, 60)
SCORE = 5.0  # sliders of scores run from minus to plus this


class Controls:
    """Widgets of one setting; `changed` is called with every new one, `refused` with a message."""

    def __init__(
        self,
        circuits: list[str],
        changed: Callable[[Setting], None],
        refused: Callable[[str], None],
    ) -> None:
        self._changed, self._refused, self._quiet = changed, refused, False
        self._own: dict[str, float | None] = {}
        self.setting = Setting()
        wide: dict[str, Any] = {"sizing_mode": "stretch_width", "margin": (4, 8)}
        self.typed = pn.widgets.TextInput(name=f"scores of {KEYS[0]} to {KEYS[1]} keys, typed", **wide)
        self.scores = pn.Column(sizing_mode="stretch_width")
        self.circuit = pn.widgets.Select(name="circuit", options=list(circuits), **wide)
        self.own_circuit = pn.widgets.TextInput(name="or yours", placeholder="package.module:name", **wide)
        self.sliders = {name: _slider(name, wide) for name in SLIDERS}
        self.gamma_off = pn.widgets.Checkbox(name="gamma off: E to I cut, same rate", **wide)
        self.seconds = pn.widgets.Select(name="simulated time (s)", options=list(SECONDS), **wide)
        self.seed = pn.widgets.IntInput(name="seed", start=0, end=2**31, **wide)
        more = pn.widgets.Button(name="+ key", **wide)
        fewer = pn.widgets.Button(name="− key", **wide)
        more.on_click(lambda _: self._resize(1))
        fewer.on_click(lambda _: self._resize(-1))
        for widget in (self.typed, self.own_circuit, self.circuit, self.gamma_off, self.seconds, self.seed):
            widget.param.watch(self._read, "value")
        for slider in self.sliders.values():
            slider.param.watch(self._read, "value")
        self.view = pn.Column(
            self.scores,
            pn.Row(fewer, more, sizing_mode="stretch_width"),
            self.typed,
            self.circuit,
            self.own_circuit,
            *self.sliders.values(),
            self.gamma_off,
            pn.Row(self.seconds, self.seed, sizing_mode="stretch_width"),
            sizing_mode="stretch_width",
        )

    def put(self, setting: Setting) -> None:
        """Set all widgets, without calling `changed`."""
        params = setting.params
        with self._silently():
            self.setting = setting
            self.typed.value = ",".join(f"{score:g}" for score in params.scores)
            self._put_scores(params.scores)
            if params.circuit not in self.circuit.options:
                self.circuit.options = [*self.circuit.options, params.circuit]
            self.circuit.value = params.circuit
            self.own_circuit.value = "" if params.circuit in CAN_BE_IMPORTED else params.circuit
            seconds = params.duration_ms / 1e3
            if seconds not in self.seconds.options:
                self.seconds.options = sorted([*self.seconds.options, seconds])
            self.seconds.value = seconds
            self.gamma_off.value, self.seed.value = params.gamma_off, setting.seed
            for name in self.sliders:
                self._put_slider(name, getattr(params, name))

    def know(self, own: dict[str, float | None]) -> None:
        """Take the values that the circuit has for what the setting leaves open."""
        with self._silently():
            self._own = own
            for name, value in own.items():
                self.sliders[name].disabled = value is None
                if getattr(self.setting.params, name) is None:
                    self._put_slider(name, value)

    def _put_slider(self, name: str, value: float | None) -> None:
        if value is None:
            return
        slider = self.sliders[name]
        slider.param.update(start=min(slider.start, value), end=max(slider.end, value), value=value)

    def _put_scores(self, scores: tuple[float, ...]) -> None:
        if len(self.scores) != len(scores):
            self.scores[:] = [
                _score(key, colour, self._read_scores) for key, colour in enumerate(hex_colours(len(scores)))
            ]
        for slider, score in zip(self.scores, scores, strict=True):
            slider.param.update(
                start=min(-SCORE, slider.start, score), end=max(SCORE, slider.end, score), value=score
            )

    def _resize(self, by: int) -> None:
        scores = self.setting.params.scores
        self._take(scores=(*scores, 0.0) if by > 0 else scores[:-1])

    def _read_scores(self, _: object) -> None:
        if not self._quiet:
            self._take(scores=tuple(round(slider.value, 6) for slider in self.scores))

    def _read(self, event: Any) -> None:
        """A widget has changed: make a setting of its value."""
        if self._quiet:
            return
        if event.obj is self.typed:
            return self._read_typed(event.new)
        if event.obj is self.own_circuit:
            return self._take(circuit=event.new.strip()) if event.new.strip() else None
        if event.obj is self.circuit:
            return self._take(circuit=event.new, **dict.fromkeys(self._own))
        if event.obj is self.seconds:
            return self._take(duration_ms=1e3 * event.new)
        if event.obj is self.gamma_off:
            return self._take(gamma_off=event.new)
        if event.obj is self.seed:
            return self._take(seed=event.new)
        name = next(name for name, slider in self.sliders.items() if slider is event.obj)
        value = event.new if name == "n_cells" else float(event.new)  # a browser sends 10 for 10.0
        changed: dict[str, Any] = {name: None if value == self._own.get(name) else value}
        return self._take(**changed)

    def _read_typed(self, text: str) -> None:
        try:
            scores = tuple(float(part) for part in text.replace(";", ",").split(",") if part.strip())
        except ValueError:
            return self._refused(f"scores must be numbers with commas, got {text!r}; use for example 2, 1, 0")
        return self._take(scores=scores)

    def _take(self, seed: int | None = None, **values: Any) -> None:
        try:
            params: Params = replace(self.setting.params, **values)
            setting = Setting(params=params, seed=self.setting.seed if seed is None else seed)
        except (UsageError, ValueError, TypeError) as error:
            return self._refused(str(error))
        self.put(setting)
        return self._changed(setting)

    @contextmanager
    def _silently(self) -> Iterator[None]:
        before, self._quiet = self._quiet, True
        try:
            yield
        finally:
            self._quiet = before


def _slider(name: str, look: dict[str, Any]) -> Any:
    label, start, end, step = SLIDERS[name]
    if name == "n_cells":
        return pn.widgets.IntSlider(name=label, start=start, end=end, step=step, value=start, **look)
    return pn.widgets.FloatSlider(
        name=label, start=start, end=end, step=step, value=start, format="0.0[0]", **look
    )


def _score(key: int, colour: str, changed: Callable[[object], None]) -> Any:
    slider = pn.widgets.FloatSlider(
        name=f"key {key + 1}",
        start=-SCORE,
        end=SCORE,
        step=0.1,
        format="0.0[0]",
        bar_color=colour,
        sizing_mode="stretch_width",
        margin=(0, 8),
    )
    slider.param.watch(changed, "value")
    return slider
