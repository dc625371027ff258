from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

from archlab.diffing._changes import Change

Mark = Literal["kept", "changed", "added", "removed"]


class LayerFacts(NamedTuple):
    """A layer of one of the two architectures; numbers are None where they are not known.

    `position` is its place in its graph, `stage` and `block` what it stands in, and `code` what makes it. `named` says
    whether somebody gave it its name, which else is its kind, numbered; `whole`, whether its units see the whole image.
    """

    position: int
    name: str
    op: str
    code: str
    stage: str
    block: str
    named: bool
    output: tuple[int | None, ...]
    params: int | None
    macs: int | None
    flops: int | None
    receptive_field: tuple[int, ...] | None
    whole: bool

    def to_dict(self) -> dict[str, Any]:
        """As plain data."""
        return {
            "name": self.name,
            "op": self.op,
            "code": self.code,
            "output": list(self.output),
            "params": self.params,
            "macs": self.macs,
            "flops": self.flops,
            "receptive_field": None if self.receptive_field is None else list(self.receptive_field),
            "whole": self.whole,
        }


@dataclass(frozen=True)
class Row:
    """One layer of a difference.

    Attributes:
        mark: whether it is kept, changed, added or removed.
        before: the layer in the first architecture; None where it is added.
        after: the layer in the second; None where it is removed.
        edits: what was changed about the layer itself: its kind, its arguments, what it reads.
        follows: what is different only because something else comes in, such as the number of channels.
        params: by how much its parameters change.
        macs: by how much its multiply–accumulates change; None where that depends on a size that is not known.
        flops: the same of all its operations.
    """

    mark: Mark
    before: LayerFacts | None
    after: LayerFacts | None
    edits: tuple[Change, ...]
    follows: tuple[Change, ...]
    params: int
    macs: int | None
    flops: int | None

    @property
    def layer(self) -> LayerFacts:
        """The layer as it is now or, where it is removed, as it was."""
        layer = self.after or self.before
        assert layer is not None
        return layer

    @property
    def name(self) -> str:
        """What the layer is called now."""
        return self.layer.name

    @property
    def edited(self) -> bool:
        """Whether the layer itself was changed; one that is changed and was not edited follows from what is before."""
        return bool(self.edits)

    def to_dict(self) -> dict[str, Any]:
        """As plain data."""
        return {
            "mark": self.mark,
            "name": self.name,
            "edited": self.edited,
            "edits": [change.to_dict() for change in self.edits],
            "follows": [change.to_dict() for change in self.follows],
            "params": self.params,
            "macs": self.macs,
            "flops": self.flops,
            "before": self.before and self.before.to_dict(),
            "after": self.after and self.after.to_dict(),
        }
