"""What is written on a box: layers, blocks and figures in a few words."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import Any

from archlab.analysis.static import Analysis
from archlab.graph import Node
from archlab.units import format_count, format_sides

_MOST_LINES = 5


def layer_words(node: Node) -> str:
    """A layer in a line.

    >>> from archlab import load
    >>> layer_words(load("residual").graph["stage1/block1/shortcut"])
    'Conv 1 × 1, 32, stride 2'
    """
    op, axes = node.op, max(len(node.shape) - 1, 1)
    said = op.title
    window = getattr(op, "kernel", None) or (getattr(op, "size", None) if op.family == "pooling" else None)
    if window is not None:
        said += f" {_sizes(window, axes)}"
    parts = [said]
    for name in ("filters", "units"):
        if hasattr(op, name):
            parts.append("?" if node.shape[-1] is None else str(node.shape[-1]))
    if (stride := getattr(op, "stride", None)) not in (None, 1, (1,) * axes):
        parts.append(f"stride {_steps(stride)}")
    if (dilation := getattr(op, "dilation", 1)) not in (1, (1,) * axes):
        parts.append(f"dilation {_steps(dilation)}")
    if getattr(op, "groups", 1) != 1 and hasattr(op, "kernel"):
        parts.append(f"{op.groups} groups")
    if (activation := _activation(op)) is not None and activation != op.title.lower():
        parts.append(activation)
    return ", ".join(parts)


def _activation(op: Any) -> str | None:
    """The function of an activation layer, or the one that a layer ends in."""
    name = getattr(op, "activation", None) or (getattr(op, "function", None) if op.family == "activation" else None)
    return name if isinstance(name, str) and name != "linear" else None


def _sizes(value: Any, axes: int) -> str:
    sizes = value if isinstance(value, tuple) else (value,) * axes
    return " × ".join(map(str, sizes))


def _steps(value: Any) -> str:
    sizes = value if isinstance(value, tuple) else (value,)
    return str(sizes[0]) if len(set(sizes)) == 1 else " × ".join(map(str, sizes))


def content_lines(nodes: Sequence[Node], most: int = _MOST_LINES) -> tuple[str, ...]:
    """What a block is made of: a line for each layer that computes or pools, one for all that stands between."""
    main = [layer_words(node) for node in nodes if node.op.family in _MAIN]
    runs = [(words, len(list(same))) for words, same in groupby(main)]
    shown = runs if len(runs) <= most else runs[: most - 1]
    lines = [words if count == 1 else f"{words}  (× {count})" for words, count in shown]
    if len(shown) < len(runs):
        lines.append(f"… {len(main) - sum(count for _, count in shown)} more")
    between = dict.fromkeys(node.op.title for node in nodes if node.op.family in _BETWEEN)
    return (*lines, *((", ".join(between),) if between else ()))


_MAIN = ("convolution", "dense", "sequence", "pooling", "unknown")
_BETWEEN = ("normalization", "activation", "regularization")


def figure_line(analysis: Analysis, members: Sequence[int], turns: int = 1) -> str:
    """Parameters and MACs of some layers, which may be those of several blocks, and how far the last of them sees."""
    params = sum(analysis.params.layers[position].total for position in members)
    macs = [analysis.compute.layers[position].macs for position in members]
    said = []
    if params:
        said.append(f"{format_count(params)} params")
    if any(macs):
        said.append(f"{format_count(sum(each or 0 for each in macs))} MACs")
    if said and turns > 1:
        said[-1] += " in all"
    field = analysis.receptive_field.layers[members[-1]].size if members else None
    if field and params:
        said.append(f"sees {format_sides(field)} px")
    return " · ".join(said)


def merge_words(nodes: Sequence[Node]) -> str:
    """A merge and what follows it: a plus for a sum.

    >>> from archlab import load
    >>> merge_words([load("residual").graph["stage1/block1/add"]])
    '+'
    """
    first, *rest = nodes
    return ", ".join(["+" if first.op.title == "Add" else first.op.title, *(layer_words(node) for node in rest)])
