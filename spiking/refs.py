"""A variable of a circuit: the group (or synapses) that owns it, and its name there."""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["Ref"]

_JOINT = "__"


class Ref(NamedTuple):
    """`Ref("exc", "u")` is the variable u of the group exc; people write "exc.u".

    Examples
    --------
    >>> Ref.read("exc.u")
    Ref(group='exc', variable='u')
    >>> str(Ref("exc", "u")), Ref("exc", "u").identifier
    ('exc.u', 'exc__u')
    """

    group: str
    variable: str

    @classmethod
    def read(cls, text: str | Ref) -> Ref:
        """From the form "group.variable".

        Raises
        ------
        ValueError
            For a text of another form.
        """
        if isinstance(text, Ref):
            return text
        group, dot, variable = str(text).partition(".")
        if not (dot and group.isidentifier() and variable.isidentifier()):
            raise ValueError(
                f'a variable must be written "group.variable", got {text!r}; use for example "exc.v".'
            )
        return cls(group, variable)

    @classmethod
    def of_identifier(cls, identifier: str) -> Ref | None:
        """The variable that an identifier of generated code stands for; None for a temporary."""
        group, joint, variable = identifier.partition(_JOINT)
        return cls(group, variable) if joint and group else None

    @property
    def identifier(self) -> str:
        """The name in generated code."""
        return f"{self.group}{_JOINT}{self.variable}"

    def __str__(self) -> str:
        return f"{self.group}.{self.variable}"
