"""What a user types, and the architecture that it names. One file a kind of reference."""

from __future__ import annotations

from archlab.algebra import Part
from archlab.graph import Graph
from archlab.sources import _zoo
from archlab.sources._architecture import Architecture as Architecture

Reference = str | Part | Graph | Architecture


def load(reference: Reference, input: tuple[int | None, ...] | None = None) -> Architecture:
    """The architecture that a reference names.

    Args:
        reference: a name of the zoo, with arguments if need be (`plain:depth=50,width=16`); or a part, a graph or an
            architecture, which is taken as it is.
        input: another input shape, (height, width) or (height, width, channels).

    Raises:
        UnknownNameError: nothing has that name; names the closest.
        DesignError: the architecture does not add up.

    >>> load("residual").graph.nodes[-1].shape
    (1,)
    >>> load("plain:depth=20", input=(96, 96, 3)).name
    'plain:depth=20'
    """
    if isinstance(reference, Architecture):
        found = reference
    elif isinstance(reference, Graph):
        found = Architecture(reference.name or "graph", reference.name, None, "", reference)
    elif isinstance(reference, Part):
        found = Architecture("architecture", "", reference)
    else:
        found = _zoo.load(reference)
    return found if input is None else found.with_input(input)


def names() -> tuple[str, ...]:
    """Every name that needs no file."""
    return _zoo.names()
