"""What is written on a box: layers, blocks and values in a few words."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import Any

from archlab.analysis import QUANTITIES, Analysis
from archlab.analysis.quantities import Counted
from archlab.graph import Node
from archlab.units import COUNT, PIXELS

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
    return None if op.output_activation == "linear" else op.output_activation


def _sizes(value: object, axes: int) -> str:
    sizes = value if isinstance(value, tuple) else (value,) * axes
    return " × ".join(map(str, sizes))


def _steps(value: object) -> str:
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
    # A block of nothing else (padding on a shortcut, a head that reshapes) is still not empty.
    wanted = _BETWEEN if main else None
    between = dict.fromkeys(node.op.title for node in nodes if wanted is None or node.op.family in wanted)
    return (*lines, *((", ".join(between),) if between else ()))


_MAIN = ("convolution", "dense", "sequence", "pooling", "unknown")
_BETWEEN = ("normalization", "activation", "regularization")


def value_lines(analysis: Analysis, members: Sequence[int], turns: int = 1) -> tuple[str, ...]:
    """Parameters and MACs of some layers, which may be those of several blocks, and how far the last of them sees."""
    subject = Counted(analysis)
    found = {
        name: QUANTITIES[name].combined([values[place] for place in members])
        for name in ("params", "macs", "receptive_field")
        if members and (ask := QUANTITIES[name].layers) and (values := ask(subject)) is not None
    }
    said = [
        f"{found[name].text(COUNT, brief=True)} {QUANTITIES[name].label}"
        for name in ("params", "macs")
        if name in found and found[name].number
    ]
    if said and turns > 1:
        said[-1] += " in all"
    field = found.get("receptive_field")
    lines = [" · ".join(said)] if said else []
    # In a line of its own: a box stays narrow.
    if field and field.number and found["params"].number:
        lines.append(f"receptive field {field.text(PIXELS, brief=True).removesuffix(' *')} px")
    return tuple(lines)


def merge_words(nodes: Sequence[Node]) -> str:
    """A merge and what follows it: a plus for a sum.

    >>> from archlab import load
    >>> merge_words([load("residual").graph["stage1/block1/add"]])
    '+'
    """
    first, *rest = nodes
    return ", ".join(["+" if first.op.title == "Add" else first.op.title, *(layer_words(node) for node in rest)])
