from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from archlab.analysis._names import apart
from archlab.analysis.static import analyze
from archlab.diffing._fold import Fold, folded
from archlab.diffing._links import Link
from archlab.diffing._row import Mark, Row
from archlab.errors import DesignError
from archlab.result import Result
from archlab.shown import Shown
from archlab.sources import Reference, load

if TYPE_CHECKING:
    from archlab.rendering import GraphDrawing, Picture
    from archlab.report import Report

SCHEMA = 1


@dataclass(frozen=True)
class GraphDiff(Shown):
    """What differs between two architectures, layer by layer.

    Every layer of both stands in exactly one row, in an order in which both graphs flow forward; the rows' changes of
    parameters and operations add up to those of the whole.

    Attributes:
        before: the first architecture, with its numbers.
        after: the second.
        rows: the layers of both: kept, changed, added, removed.
        links: the connections of both, from row to row.

    >>> from archlab import Conv, Input, ReLU
    >>> found = diff(Input(8, 8, 3) >> Conv(8) >> ReLU(), Input(8, 8, 3) >> Conv(16, kernel=1) >> ReLU())
    >>> [(row.name, row.mark, [str(change) for change in row.edits], row.params) for row in found]
    [('input', 'kept', [], 0),
     ('conv', 'changed', ['filters 8 → 16', 'kernel 3 → 1'], -160),
     ('relu', 'changed', [], 0)]
    """

    before: Result
    after: Result
    rows: tuple[Row, ...]
    links: tuple[Link, ...]

    def __iter__(self) -> Iterator[Row]:
        return iter(self.rows)

    def __len__(self) -> int:
        return len(self.rows)

    def _marked(self, mark: Mark) -> tuple[Row, ...]:
        return tuple(row for row in self.rows if row.mark == mark)

    @cached_property
    def kept(self) -> tuple[Row, ...]:
        """The layers that are the same in both, on the same shapes."""
        return self._marked("kept")

    @cached_property
    def changed(self) -> tuple[Row, ...]:
        """The layers that are in both and differ: edited, or met by other shapes."""
        return self._marked("changed")

    @cached_property
    def edited(self) -> tuple[Row, ...]:
        """Of the changed layers those that were changed themselves; the others follow from what stands before them."""
        return tuple(row for row in self.changed if row.edited)

    @cached_property
    def added(self) -> tuple[Row, ...]:
        """The layers that only the second architecture has."""
        return self._marked("added")

    @cached_property
    def removed(self) -> tuple[Row, ...]:
        """The layers that only the first architecture has."""
        return self._marked("removed")

    @property
    def links_added(self) -> tuple[Link, ...]:
        """The connections that only the second architecture has."""
        return tuple(link for link in self.links if link.mark == "added")

    @property
    def links_removed(self) -> tuple[Link, ...]:
        """The connections that only the first architecture has."""
        return tuple(link for link in self.links if link.mark == "removed")

    @cached_property
    def folds(self) -> tuple[Fold, ...]:
        """The rows in order, with those together that a reader is told of as one."""
        return folded(self.rows)

    @cached_property
    def following(self) -> tuple[Row, ...]:
        """Of the changed layers those that were not edited: other shapes are what comes in."""
        return tuple(row for row in self.changed if not row.edited)

    @property
    def identical(self) -> bool:
        """Whether nothing differs but names."""
        return len(self.kept) == len(self.rows)

    def __bool__(self) -> bool:
        """Whether anything differs, as a list of differences would say."""
        return not self.identical

    @property
    def totals(self) -> Mapping[str, tuple[Any, Any]]:
        """The numbers of the two as wholes, before and after; None where they are not known."""
        return {name: (ask(self.before), ask(self.after)) for name, ask in _TOTALS.items()}

    def to_dict(self) -> dict[str, Any]:
        """As plain data, by a schema that later versions only add to."""
        counts = Counter(row.mark for row in self.rows)
        return {
            "schema": SCHEMA,
            "before": {"name": self.before.name, "reference": self.before.architecture.reference},
            "after": {"name": self.after.name, "reference": self.after.architecture.reference},
            "identical": self.identical,
            "counts": {mark: counts[mark] for mark in ("kept", "changed", "added", "removed")}
            | {"edited": len(self.edited)},
            "totals": {name: {"before": was, "after": now} for name, (was, now) in self.totals.items()},
            "layers": [row.to_dict() for row in self.rows],
            "connections": [
                {"from": self.rows[link.tail].name, "to": self.rows[link.head].name, "mark": link.mark}
                for link in self.links
                if link.mark != "kept"
            ],
        }

    def report(self, all: bool = False) -> Report:
        """As a report; `all` lists the layers that are the same too, one by one."""
        from archlab.report.diff import diff_report

        return diff_report(self, all)

    def picture(self) -> Picture:
        """Both graphs as one picture, as plain data."""
        from archlab.rendering import diff_picture

        return diff_picture(self)

    def render(self) -> GraphDrawing:
        """Both graphs drawn as one: shows itself in a notebook, and `save` writes SVG, PNG, PDF, DOT or Mermaid."""
        from archlab.rendering import GraphDrawing

        return GraphDrawing(self.picture())

    def __str__(self) -> str:
        from archlab.report import to_text

        return to_text(self.report())


def _last_field(result: Result) -> list[int] | None:
    row = result.analysis.receptive_field.last
    return None if row is None or row.size is None else list(row.size)


_TOTALS = {
    "layers": lambda result: len(result.analysis.graph),
    "depth": lambda result: result.analysis.depth,
    "params": lambda result: result.analysis.params.total,
    "trainable": lambda result: result.analysis.params.trainable,
    "macs": lambda result: result.analysis.compute.macs,
    "flops": lambda result: result.analysis.compute.flops,
    "memory": lambda result: result.analysis.memory.activations_training,
    "receptive_field": _last_field,
}


def diff(
    a: Reference, b: Reference, *, input: Sequence[int | None] | None = None, allow_lambda: bool = False
) -> GraphDiff:
    """What differs between two architectures: layers added, removed, changed and kept, and what each change costs.

    Layers are matched by what they do and where they stand; names only decide between matches that are equally good. So
    an architecture whose layers were all renamed is the same, and a Keras model can be held against one of the zoo.

    Args:
        a: the architecture before: a name, a part, a graph or a live Keras model.
        b: the one after.
        input: another input shape for both, (height, width) or (height, width, channels).
        allow_lambda: load saved Keras models although they hold lambdas, which are code that then runs.

    Raises:
        UnknownNameError: a reference names nothing.
        DesignError: an architecture does not add up.

    >>> from archlab import BatchNorm, diff, load
    >>> found = diff("residual", load("residual").tree.without(BatchNorm))
    >>> len(found.kept), len(found.removed), sum(row.params for row in found)
    (41, 10, -6016)
    >>> found.removed[0].name, diff("residual", "residual").identical
    ('stage1/block1/batch_norm', True)
    """
    from archlab.diffing._rows import rows_and_links  # loads NumPy and networkx, which a result alone does not need

    results = []
    for reference in (a, b):
        architecture = load(reference, None if input is None else tuple(input), allow_lambda=allow_lambda)
        try:
            results.append(Result(architecture, analyze(architecture.graph)))
        except DesignError as error:
            raise error.within(architecture.name) from None
    before, after = [
        replace(result, architecture=replace(result.architecture, name=name))
        for name, result in zip(apart(result.name for result in results), results, strict=True)
    ]
    return GraphDiff(before, after, *rows_and_links(before.analysis, after.analysis))
