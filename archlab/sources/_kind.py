"""What a kind of reference is: the protocol of the files beside this one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from archlab.sources._architecture import Architecture


class Options(NamedTuple):
    """How a reference is loaded; a kind reads of these what concerns it."""

    input: Sequence[int | None] | None = None
    """The shape of what it takes, for what does not say so itself. `load` gives it to every other architecture."""
    allow_lambda: bool = False
    """Whether a saved Keras model may hold lambdas, which are code that then runs."""


class Kind(Protocol):
    """A kind of reference: a module of this package, or whatever else has these two functions."""

    def claims(self, reference: str) -> bool:
        """Whether a reference is of this kind. Nothing is read to say so."""
        ...

    def load(self, reference: str, options: Options) -> Architecture:
        """The architecture that it names.

        Raises:
            SourceError: it cannot be read.
            UnknownNameError: nothing has that name.
        """
        ...
