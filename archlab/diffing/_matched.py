"""Two graphs matched layer by layer."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from archlab.analysis import QUANTITIES, Result, Value
from archlab.diffing._fold import Fold, folded
from archlab.diffing._links import Link
from archlab.diffing._row import Mark, Row
from archlab.shown import Printed

SCHEMA = 2


@dataclass(frozen=True, repr=False)
class MatchedGraphs(Printed):
    """Two architectures matched layer by layer: what is kept, changed, added and removed.

    Every layer of both stands in exactly one row, in an order in which both graphs flow forward; the rows' changes of
    parameters and operations add up to those of the whole.

    Attributes:
        before: the first architecture, with its numbers.
        after: the second.
        rows: the layers of both: kept, changed, added, removed.
        links: the connections of both, from row to row.
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
    def totals(self) -> Mapping[str, tuple[Value, Value]]:
        """The values of the two as wholes, before and after, by the quantity's name."""
        return {
            quantity.name: (quantity.whole(self.before), quantity.whole(self.after))
            for quantity in QUANTITIES.at("diff")
            if quantity.whole
        }

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
            "totals": {
                QUANTITIES[name].older_name: {"before": was.plain, "after": now.plain}
                for name, (was, now) in self.totals.items()
            },
            "layers": [row.to_dict() for row in self.rows],
            "connections": [
                {"from": self.rows[link.tail].name, "to": self.rows[link.head].name, "mark": link.mark}
                for link in self.links
                if link.mark != "kept"
            ],
        }
