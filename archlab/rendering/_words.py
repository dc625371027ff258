"""What is written on a box: layers, blocks and values in a few words."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import Any, NamedTuple

from archlab.analysis import QUANTITIES, Analysis, State
from archlab.analysis.quantities import Counted
from archlab.graph import Graph, Node
from archlab.rendering._gates import Gate, gates
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
    if op.title == "Activation":
        return op.output_activation or said
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
    """What layers there are, in order: a line for each that computes or pools, with what goes with it.

    >>> from archlab import load
    >>> block = [node for node in load("residual").graph if node.name.startswith("stage1/block1")]
    >>> content_lines(block[:7])
    ('BatchNorm, ReLU, SeparableConv 3 × 3, 32  (× 2)', 'MaxPool 3 × 3, stride 2')
    """
    found = [_Entry(*_words_of(node)) for node in nodes if node.op.family in (*MAIN, *_BETWEEN)]
    # A block of nothing else (padding on a shortcut, a head that reshapes) is still not empty.
    return lines_of(found or [_Entry(title, False) for title in dict.fromkeys(node.op.title for node in nodes)], most)


def block_lines(graph: Graph, nodes: Sequence[int], most: int = _MOST_LINES) -> tuple[str, ...]:
    """The same of layers of one graph: a gate is one entry, and paths that part and meet again have a line each."""
    inside = set(nodes)
    branches = _branches(graph, nodes)
    if branches:
        return (
            branches[:most] if len(branches) <= most else (*branches[: most - 1], f"… {len(branches) - most + 1} more")
        )
    gate_of = {each: gate for gate in gates(graph) for each in (*gate.way, gate.merge) if gate.merge in inside}
    if not gate_of:
        return content_lines([graph.nodes[at] for at in nodes], most)
    found: list[_Entry] = []
    for position in nodes:
        node, gate = graph.nodes[position], gate_of.get(position)
        if gate is not None and position == gate.merge:
            found.append(_Entry(gate_words(graph, gate), True))
        elif gate is None and node.op.family in (*MAIN, *_BETWEEN):
            found.append(_Entry(*_words_of(node)))
    return lines_of(found, most)


class _Entry(NamedTuple):
    words: str
    is_main: bool


def _words_of(node: Node) -> tuple[str, bool]:
    return (layer_words(node), True) if node.op.family in MAIN else (short_words(node), False)


def lines_of(entries: Sequence[_Entry], most: int) -> tuple[str, ...]:
    """Entries in lines, equal ones that follow one another once. Normalizations stand with their convolutions."""
    lines: list[str] = []
    words: list[str] = []
    opens = bool(entries) and not entries[0].is_main  # they stand before them
    for entry in entries:
        if entry.is_main and not opens and words:
            lines.append(", ".join(words))
            words = []
        words.append(entry.words)
        if entry.is_main and opens:
            lines.append(", ".join(words))
            words = []
    if words:
        lines.append(", ".join(words))
    runs = [(line, len(list(same))) for line, same in groupby(lines)]
    shown = runs if len(runs) <= most else runs[: most - 1]
    said = [line if count == 1 else f"{line}  (× {count})" for line, count in shown]
    if len(shown) < len(runs):
        said.append(f"… {sum(count for _, count in runs[len(shown) :])} more")
    return tuple(said)


def _branches(graph: Graph, nodes: Sequence[int]) -> tuple[str, ...]:
    """What stands on each path into the last merge of some layers, where there are several that compute."""
    inside = set(nodes)
    merges = [at for at in nodes if len(graph.nodes[at].inputs) > 1 and graph.nodes[at].op.merge != "product"]
    if not merges or any(graph.nodes[at].op.family in MAIN for at in nodes if at > merges[-1]):
        return ()
    found: list[str] = []
    for source in graph.nodes[merges[-1]].inputs:
        words: list[str] = []
        at = source
        while at in inside:
            node = graph.nodes[at]
            if node.op.family in MAIN:
                words.append(kernel_words(node))
            if len(node.inputs) != 1:
                words.append(f"{len(node.inputs)} branches")
                break
            at = node.inputs[0]
        if words:
            found.append(" → ".join(reversed(words)))
    return tuple(found) if len(found) > 1 else ()


def stage_lines(graph: Graph, blocks: Sequence[Sequence[int]], most: int = _MOST_LINES) -> tuple[str, ...]:
    """What blocks in a row are made of, as short as tables of papers have it: `6 × (1 × 1 → 3 × 3)`."""
    lines = [" → ".join(_kernels(graph, block)) for block in blocks]
    runs = [(line, len(list(same))) for line, same in groupby(filter(None, lines))]
    shown = runs if len(runs) <= most else runs[: most - 1]
    said = [line if count == 1 else f"{count} × ({line})" for line, count in shown]
    if len(shown) < len(runs):
        said.append(f"… {sum(count for _, count in runs[len(shown) :])} more blocks")
    return tuple(said)


def _kernels(graph: Graph, block: Sequence[int]) -> list[str]:
    branches = _branches(graph, block)
    if branches:
        return [f"{len(branches)} branches"]
    inside = set(block)
    gate_of = {each: gate for gate in gates(graph) for each in (*gate.way, gate.merge) if gate.merge in inside}
    found: list[str] = []
    for position in block:
        gate = gate_of.get(position)
        if gate is not None:
            found += ["gate"] if position == gate.merge else []
        elif graph.nodes[position].op.family in MAIN:
            found.append(kernel_words(graph.nodes[position]))
    runs = [(word, len(list(same))) for word, same in groupby(found)]
    return [word if count == 1 else f"{word} (× {count})" for word, count in runs]


def gate_words(graph: Graph, gate: Gate) -> str:
    """A gate in a few words, with the channels that it squeezes to."""
    kernels = [graph.nodes[at] for at in gate.way if graph.nodes[at].op.family in ("convolution", "dense")]
    squeezed = f", {kernels[0].shape[-1]}" if len(kernels) > 1 else ""
    return f"squeeze-and-excite gate{squeezed}" if len(kernels) > 1 else "gate"


def short_words(node: Node) -> str:
    """A layer that stands between others, by its name alone: an activation by its function's."""
    return node.op.output_activation or node.op.title if node.op.title == "Activation" else node.op.title


def kernel_words(node: Node) -> str:
    """A layer with a window, as short as it can be read: a convolution by its kernel."""
    op, axes = node.op, max(len(node.shape) - 1, 1)
    title = "" if op.title == "Conv" else f"{op.title} "
    window = getattr(op, "kernel", None) or (getattr(op, "size", None) if op.family == "pooling" else None)
    return op.title if window is None else f"{title}{_sizes(window, axes)}"


MAIN = ("convolution", "dense", "sequence", "pooling", "unknown")

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
        if name in found and (found[name].number or found[name].state is State.UNKNOWN)
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
