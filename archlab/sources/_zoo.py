"""Names of the zoo, with arguments: `residual`, `plain:depth=50,width=16`."""

from __future__ import annotations

from archlab import zoo
from archlab.sources._architecture import Architecture
from archlab.sources._arguments import read_arguments
from archlab.sources._kind import Options


def load(reference: str, options: Options) -> Architecture:
    """The architecture of that name in the zoo."""
    name, _, _ = reference.partition(":")
    entry = zoo.find(name)
    return Architecture(reference, reference, entry.call(read_arguments(reference, first=entry.text)), entry.paper)


def names() -> tuple[str, ...]:
    """Every name of the zoo."""
    return tuple(zoo.entries())
