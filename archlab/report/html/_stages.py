"""What each stage of an architecture costs, be it named by the architecture or found in its graph."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from archlab.analysis.static import Analysis
from archlab.analysis.static.outline import groups


class Stage(NamedTuple):
    """A stage, or what stands before, between and behind them; None where a number needs a size that is not known."""

    name: str
    members: tuple[int, ...]
    params: int
    macs: int | None
    flops: int | None
    kept: int | None
    live: int | None
    unknown: bool


def stages_of(analysis: Analysis) -> list[Stage]:
    """The stages of an architecture in order; all in one where it has none.

    >>> from archlab import load
    >>> from archlab.analysis.static import analyze
    >>> [(stage.name, stage.params) for stage in stages_of(analyze(load("residual").graph))][:3]
    [('stem', 2400), ('stage1', 3904), ('stage2', 9440)]
    """
    return [_stage(analysis, name, members) for name, members in groups(analysis.graph, "stage").items()]


def _stage(analysis: Analysis, name: str, members: tuple[int, ...]) -> Stage:
    weights = [analysis.params.layers[place] for place in members]
    ops = [analysis.compute.layers[place] for place in members]
    bytes_ = [analysis.memory.layers[place] for place in members]
    names = {analysis.graph.nodes[place].name for place in members}
    sized = not names & set(analysis.compute.unsized) and not analysis.memory.unsized
    return Stage(
        name,
        members,
        sum(row.total for row in weights),
        _sum(row.macs for row in ops) if sized else None,
        _sum(row.flops for row in ops) if sized else None,
        _sum(row.kept for row in bytes_) if sized else None,
        max((row.live or 0 for row in bytes_), default=0) if sized else None,
        bool(names & {each["name"] for each in analysis.unknown}),
    )


def _sum(values: Iterable[int | None]) -> int:
    return sum(value or 0 for value in values)
