"""In what the layers of two architectures are set differently, where both have as many of a kind."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from archlab.graph import Graph, Node

_SETTINGS = ("bias", "stride", "padding", "dilation", "groups", "epsilon", "momentum")
_BY_WINDOW = ("stride", "padding", "dilation")
"""Said of layers with windows of one size: networks of one name differ in which convolution of a block strides."""


def settings(ours: Graph, theirs: Graph) -> Iterator[str]:
    """Each setting that differs, in words.

    >>> from archlab import BatchNorm, Conv, Input
    >>> ours = (Input(32, 32, 3) >> Conv(8, kernel=1, stride=2) >> BatchNorm()).to_graph()
    >>> theirs = (Input(32, 32, 3) >> Conv(8, kernel=1) >> BatchNorm(epsilon=1e-5)).to_graph()
    >>> list(settings(ours, theirs))
    ['stride 2 → 1 in 1 Conv of 1 × 1', 'epsilon 0.001 → 1e-05 in 1 BatchNorm']
    """
    for name in _SETTINGS:
        was, now = _counted(ours, name), _counted(theirs, name)
        for kind in was:
            before, after = was[kind], now.get(kind, Counter())
            if before == after or before.total() != after.total():
                continue
            if len(before) == len(after) == 1:
                (one,), (other,) = before, after
                yield f"{name} {one} → {other} in {before.total():,} {kind}"
                continue
            usual = max(before | after, key=lambda value: before[value] + after[value])
            for value in before | after:
                if value != usual and before[value] != after[value]:
                    yield f"{name} {value} in {before[value]:,} → {after[value]:,} {kind}"


def _counted(graph: Graph, name: str) -> dict[str, Counter[str]]:
    """How many layers of each kind have which value of a setting."""
    found: dict[str, Counter[str]] = {}
    for node in graph:
        value = getattr(node.op.canonical(), name, None)
        if value is not None and node.op.comparable:
            found.setdefault(_kind(node, name), Counter())[_said(value)] += 1
    return found


def _kind(node: Node, name: str) -> str:
    kernel = getattr(node.op, "kernel", None)
    if name not in _BY_WINDOW or kernel is None:
        return node.op.title
    axes = max(len(node.shape) - 1, 1)
    return f"{node.op.title} of {' × '.join(map(str, kernel if isinstance(kernel, tuple) else (kernel,) * axes))}"


def _said(value: object) -> str:
    if isinstance(value, bool):
        return "on" if value else "off"
    return f"{value:.4g}" if isinstance(value, float) else str(value)
