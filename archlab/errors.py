"""Every error that archlab raises on purpose.

    ArchlabError
    ├── DesignError            an architecture that cannot be built; knows the path of the block
    │   ├── ArgumentError      an argument outside its range, or one that does not exist (a TypeError too)
    │   └── ShapeError         shapes that do not add up
    ├── UnknownNameError       a name that nothing answers to; knows the closest ones
    ├── UsageError             an option whose value makes no sense
    ├── SourceError            a file or a module that an architecture cannot be read from
    ├── DataError              a data folder that cannot be used
    ├── OutputError            a file that cannot be written
    ├── TrainingError          a training run that cannot go on
    └── MissingPartError       an optional package that is not installed

Each message is one line: what was given, where, and the rule or the closest valid choice.
"""

from __future__ import annotations

from collections.abc import Iterable

from archlab.text import one_line

__all__ = [
    "ArchlabError",
    "ArgumentError",
    "DataError",
    "DesignError",
    "MissingPartError",
    "OutputError",
    "ShapeError",
    "SourceError",
    "TrainingError",
    "UnknownNameError",
    "UsageError",
    "closest",
    "did_you_mean",
]


class ArchlabError(Exception):
    """Base of every error that archlab raises on purpose; its text is one line fit for a user.

    Whatever it quotes: nothing in it can move a terminal's cursor, and a long word is cut in the middle.
    """

    def __str__(self) -> str:
        return one_line(super().__str__())


class DesignError(ArchlabError, ValueError):
    """An architecture that cannot be built.

    `path` names the node at fault (`stage3/block1/add`) once it is known, and `rule` says what is broken.
    """

    def __init__(self, rule: str, path: str = ""):
        super().__init__(rule)
        self.rule = rule
        self.path = path
        self.owner = ""
        self.parts: list[object] = []
        """The parts of the tree that it came through, the innermost first."""

    def within(self, owner: str) -> DesignError:
        """The same error with the name of the architecture that it is about, unless it has one."""
        self.owner = self.owner or owner
        return self

    def at(self, path: str) -> DesignError:
        """The same error with its place, unless a more exact place is already known."""
        self.path = self.path or path
        return self

    def __str__(self) -> str:
        return one_line(": ".join(filter(None, (self.owner, self.path, self.rule))))


class ArgumentError(DesignError, TypeError):
    """An argument outside its range, or one that does not exist."""


class ShapeError(DesignError):
    """Shapes that do not add up."""


class UnknownNameError(ArchlabError, LookupError):
    """A name that nothing answers to."""


class UsageError(ArchlabError, ValueError):
    """An option whose value makes no sense."""


class SourceError(ArchlabError, ValueError):
    """A file or a module that an architecture cannot be read from."""


class DataError(ArchlabError, OSError):
    """A data folder that is missing or holds nothing that can be used."""


class OutputError(ArchlabError, OSError):
    """A file that cannot be written."""


class TrainingError(ArchlabError, RuntimeError):
    """A training run that cannot go on, such as one whose loss is no number any more."""


class MissingPartError(ArchlabError, ImportError):
    """An optional package that is not installed."""


def closest(name: str, choices: Iterable[str], most: int = 3) -> list[str]:
    """The choices whose spelling is nearest to `name`, best first; may be empty."""
    import difflib

    # The dashes of options, which all of them have, would make any two alike.
    folded = {choice.lower().lstrip("-"): choice for choice in choices}
    near = difflib.get_close_matches(name.lower().lstrip("-"), folded, n=most, cutoff=0.5)
    return [folded[match] for match in near]


def did_you_mean(name: str, choices: Iterable[str]) -> str:
    """The second half of an error message: the nearest choices, or all of them where none is near."""
    choices = list(choices)
    near = closest(name, choices)
    if near:
        return f"did you mean {' or '.join(near)}?"
    return f"choose from {', '.join(choices)}"
