from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from archlab.analysis import Result, analyze
from archlab.analysis._frame import frame
from archlab.analysis._names import apart
from archlab.diffing._matched import MatchedGraphs
from archlab.diffing._report import diff_report, record
from archlab.errors import DesignError
from archlab.report import Report
from archlab.sources import Reference, load

if TYPE_CHECKING:
    import pandas

    from archlab.rendering import GraphDrawing, Picture


@dataclass(frozen=True, repr=False)
class GraphDiff(MatchedGraphs):
    """What differs between two architectures, layer by layer.

    >>> from archlab import Conv, Input, ReLU
    >>> found = diff(Input(8, 8, 3) >> Conv(8) >> ReLU(), Input(8, 8, 3) >> Conv(16, kernel=1) >> ReLU())
    >>> [(row.name, row.mark, [str(change) for change in row.edits], row.params) for row in found]
    [('input', 'kept', [], 0),
     ('conv', 'changed', ['filters 8 → 16', 'kernel 3 → 1'], -160),
     ('relu', 'changed', [], 0)]
    """

    def report(self, all: bool = False) -> Report:
        """As a report; `all` lists the layers that are the same too, one by one."""
        return diff_report(self, all)

    def to_pandas(self) -> pandas.DataFrame:
        """A pandas DataFrame with a row for each layer of either architecture.

        Raises:
            MissingPartError: pandas is not installed.
        """
        return frame([record(row) for row in self.rows], "after")

    def picture(self) -> Picture:
        """Both graphs as one picture, as plain data."""
        from archlab.diffing._picture import diff_picture  # what draws is loaded where something is drawn

        return diff_picture(self)

    def render(self) -> GraphDrawing:
        """Both graphs drawn as one: shows itself in a notebook, and `save` writes SVG, PNG, PDF, DOT or Mermaid."""
        from archlab.rendering import GraphDrawing

        return GraphDrawing(self.picture())


def diff(a: Reference, b: Reference, *, input: Sequence[int | None] | None = None) -> GraphDiff:
    """What differs between two architectures: layers added, removed, changed and kept, and what each change costs.

    Layers are matched by what they do and where they stand; names only decide between matches that are equally good. So
    an architecture whose layers were all renamed is the same, and a Keras model can be held against one of the zoo.

    Args:
        a: the architecture before: a name, a part, a graph or a live Keras model.
        b: the one after.
        input: another input shape for both, (height, width) or (height, width, channels).

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
    from archlab.diffing._rows import rows_and_links  # loads NumPy, which a result alone does not need

    results = []
    for reference in (a, b):
        architecture = load(reference, input)
        try:
            results.append(Result(architecture, analyze(architecture.graph)))
        except DesignError as error:
            raise error.within(architecture.name) from None
    before, after = [
        replace(result, architecture=replace(result.architecture, name=name))
        for name, result in zip(apart(result.name for result in results), results, strict=True)
    ]
    return GraphDiff(before, after, *rows_and_links(before.analysis, after.analysis))
