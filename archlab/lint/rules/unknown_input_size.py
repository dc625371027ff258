"""Layers whose cost depends on an input size that is not known.

**Instead.** Give a size: `--input 224x224`.
"""

from collections.abc import Iterable

from archlab.lint._context import Context
from archlab.lint._rule import Found, Rule


def check(context: Context) -> Iterable[Found]:
    """Layers that depend on the input size."""
    names = context.analysis.compute.unsized
    if names:
        message = f"{len(names)} layers depend on the input size: give --input."
        yield Found(message, tuple(names), "give --input", len(names))


RULE = Rule(
    "N703", "unknown-input-size", "info", check, __doc__, "archlab: numbers and their states", reads_numbers=True
)
