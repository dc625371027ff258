"""When a predicted gradient is unreliable: rules over the graph and the moments, never over names."""

from __future__ import annotations

from archlab.analysis.static._facts import gather
from archlab.graph import Graph
from archlab.ops import Signal


def doubts(graph: Graph, signals: list[Signal | None]) -> list[str]:
    """Where the theory's assumptions do not hold, by the graph and by the moments themselves."""
    found: list[str] = []
    if len(graph.outputs) > 1:
        found.append(f"it has {len(graph.outputs)} outputs, and only the first is given a loss")
    uses: dict[str, int] = {}
    for node in graph.nodes:
        uses[node.layer or node.name] = uses.get(node.layer or node.name, 0) + 1
    for node, facts in zip(graph.nodes, gather(graph), strict=True):
        if uses.get(node.layer or node.name, 0) > 1 and facts.kernel:
            found.append(
                f"{node.layer}: its kernel is used more than once, and what passes through it is not independent"
            )
            break
    aligned = [
        node.name
        for node, signal in zip(graph.nodes, signals, strict=True)
        if signal is not None and signal.aligned and signal.before is not None
    ]
    if aligned:
        found.append(
            f"{aligned[0]}: it comes of a sum of signals that are all positive on average, as behind a ReLU, with no "
            "normalization between; errors then share a direction, in which they add up faster than predicted"
        )
    maxima: list[str] = []
    for node, facts in zip(graph.nodes, gather(graph), strict=True):
        came = signals[node.inputs[0]] if len(node.inputs) == 1 else None
        normalizes = any([weight.role == "statistic" for weight in facts.weights or ()])
        if came is not None and came.picked and normalizes and not facts.kernel:
            maxima.append(node.name)
    # One is made good by what follows; several in a row multiply.
    if len(maxima) > 1:
        found.append(
            f"{maxima[0]}: it normalizes what comes straight out of a maximum, as {len(maxima)} layers do; a maximum "
            "favours the examples and places where the signal is strong, and the theory takes all to be equally strong"
        )
    found += _tangled(graph)
    return found


def _tangled(graph: Graph) -> list[str]:
    """Merges of paths that have no kernel of their own between them and where they part."""
    roots: list[frozenset[int]] = []
    for position, (node, facts) in enumerate(zip(graph.nodes, gather(graph), strict=True)):
        if facts.kernel or not node.inputs:
            roots.append(frozenset((position,)))
            continue
        came = [roots[source] for source in node.inputs]
        together = frozenset[int]().union(*came)
        if len(came) > 1 and not node.op.free and sum(map(len, came)) > len(together):
            return [f"{node.name}: it merges signals that are not independent: no kernel stands between them"]
        # The last few are enough: an older one has been mixed with others since.
        roots.append(frozenset(sorted(together)[-8:]))
    return []
