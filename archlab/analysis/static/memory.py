"""Memory: weights, activations saved for the backward pass, the most live at once at inference, optimizer slots."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from archlab.analysis._state import State
from archlab.analysis.static._facts import gather, plain, reached
from archlab.analysis.static.outline import grouped
from archlab.analysis.static.params import Params, params
from archlab.graph import Graph, elements, is_known
from archlab.ops import Kept
from archlab.units import BYTES_PER_ELEMENT

OPTIMIZER_SLOTS: Mapping[str, int] = {"sgd": 0, "momentum": 1, "rmsprop": 1, "adam": 2, "adamw": 2}
"""Numbers that an optimizer keeps for each trainable parameter: a velocity, a mean square, or both."""


class MemoryRow(NamedTuple):
    """Bytes of a layer for one sample; None where they are not known. `live` is all that is live while it runs."""

    name: str
    state: State
    weights: int
    output: int | None
    kept: int | None
    live: int | None


@dataclass(frozen=True)
class Memory:
    """Bytes, for one sample.

    Attributes:
        weights: of all weights.
        saved_activations: of what the backward pass needs of the forward pass, each tensor once.
        peak_inference: of the tensors live at once, at most, when the layers run in order and a tensor goes when its
            last reader has run. What a layer uses inside is not counted.
        peak_at: the layer that runs at that moment.
        optimizer: of the slots of common optimizers.
    """

    graph: Graph
    layers: tuple[MemoryRow, ...]
    weights: int
    saved_activations: int | None
    peak_inference: int | None
    peak_at: str | None
    optimizer: Mapping[str, int] = field(hash=False)
    unknown: tuple[str, ...]
    unsized: tuple[str, ...]

    @property
    def stages(self) -> Mapping[str, MemoryRow]:
        """By stage: weights, outputs and what is kept added up, `live` the most."""
        return grouped(self.graph, self.layers, "stage", _group)

    @property
    def blocks(self) -> Mapping[str, MemoryRow]:
        """By block: weights, outputs and what is kept added up, `live` the most."""
        return grouped(self.graph, self.layers, "block", _group)

    def to_dict(self) -> dict[str, Any]:
        """As plain data."""
        return {
            "weights": self.weights,
            "saved_activations": self.saved_activations,
            "peak_inference": self.peak_inference,
            "peak_at": self.peak_at,
            "optimizer": dict(self.optimizer),
        }

    def rows(self) -> list[dict[str, object]]:
        """Layer by layer as plain data."""
        return [plain(row) for row in self.layers]


def _group(name: str, rows: Any) -> MemoryRow:
    rows = list(rows)
    return MemoryRow(
        name,
        max(row.state for row in rows),
        sum(row.weights for row in rows),
        sum(row.output or 0 for row in rows),
        sum(row.kept or 0 for row in rows),
        max((row.live or 0 for row in rows), default=0),
    )


def memory(graph: Graph, counted: Params | None = None) -> Memory:
    """Work out the memory of a graph; takes the parameters where they have been counted already.

    >>> from archlab import Conv, Input, ReLU
    >>> net = Input(32, 32, 3) >> Conv(16, bias=False) >> ReLU()
    >>> memory(net.to_graph()).peak_inference == 4 * 32 * 32 * (16 + 16)
    True
    """
    counted = counted or params(graph)
    facts = gather(graph)
    sizes = [
        elements(node.shape) * BYTES_PER_ELEMENT[node.dtype] if is_known(node.shape) else None for node in graph.nodes
    ]
    unsized = tuple([node.name for node, size in zip(graph.nodes, sizes, strict=True) if size is None])
    unknown = tuple(
        [node.name for node, known in zip(graph.nodes, facts, strict=True) if known.sized and not known.kept]
    )
    known_sizes = [size for size in sizes if size is not None]
    whole = len(graph) > 0 and not unsized
    kept = _kept(graph, known_sizes) if whole else []
    live = _live(graph, known_sizes) if whole else []
    rows: list[MemoryRow] = []
    for i, node in enumerate(graph.nodes):
        row = counted.layers[i]
        state = State.UNSIZED if sizes[i] is None else State.COUNTED
        if row.state is State.UNKNOWN or (facts[i].sized and facts[i].kept is None):
            state = State.UNKNOWN
        own = (kept[i], live[i]) if whole else (None, None)
        rows.append(MemoryRow(node.name, state, row.bytes, sizes[i], *own))
    # Optimizers hold their slots in the dtype of the weight; weights are float32 unless a policy says otherwise.
    slot = sum(
        weight.size * BYTES_PER_ELEMENT[weight.dtype]
        for row, known in zip(counted.layers, facts, strict=True)
        if row.total
        for weight in known.weights or ()
        if weight.trainable and not weight.shared
    )
    peak = max(live) if whole else None
    return Memory(
        graph=graph,
        layers=tuple(rows),
        weights=counted.bytes,
        saved_activations=sum(kept) if whole else None,
        peak_inference=peak,
        peak_at=graph.nodes[live.index(peak)].name if peak is not None else None,
        optimizer={name: slots * slot for name, slots in OPTIMIZER_SLOTS.items()},
        unknown=unknown,
        unsized=unsized,
    )


def _roots(graph: Graph, training: bool) -> list[int]:
    """For each node the one whose memory its output is."""
    roots: list[int] = []
    for position, node in enumerate(graph.nodes):
        roots.append(roots[node.inputs[0]] if node.inputs and node.op.is_view(training) else position)
    return roots


def _kept(graph: Graph, sizes: list[int]) -> list[int]:
    """Bytes of each node's output that the backward pass needs, and of what it keeps besides."""
    roots = _roots(graph, training=True)
    flows = reached(graph)
    kept = [0] * len(graph)
    held = [False] * len(graph)
    for position, (node, facts) in enumerate(zip(graph.nodes, gather(graph), strict=True)):
        if not flows[position]:
            continue
        # Without a rule nothing is certain, and what is counted stays a lower bound.
        inputs, output, extra, masks = facts.kept or Kept()
        # Before the first trainable weight nothing flows back, and nothing is kept for it.
        asked = facts.trainable or any([flows[source] for source in node.inputs])
        if inputs and asked:
            for source in node.inputs:
                held[roots[source]] = True
        if output and asked:
            held[roots[position]] = True
        if asked:
            kept[position] += extra * BYTES_PER_ELEMENT[node.dtype] + masks * BYTES_PER_ELEMENT["bool"]
    for position, needed in enumerate(held):
        if needed:
            kept[position] += sizes[position]
    return kept


def _live(graph: Graph, sizes: list[int]) -> list[int]:
    """Live bytes while each node runs."""
    roots = _roots(graph, training=False)
    last = list(range(len(graph)))
    for position, node in enumerate(graph.nodes):
        for source in node.inputs:
            last[roots[source]] = position
    for output in graph.outputs:
        last[roots[output]] = len(graph)
    ends: list[list[int]] = [[] for _ in range(len(graph) + 1)]
    for position, root in enumerate(roots):
        if root == position:
            ends[last[position]].append(position)
    takes = [size if root == position else 0 for position, (size, root) in enumerate(zip(sizes, roots, strict=True))]
    # Several outputs of an operation are made at once: they take their place with the first.
    for position, node in enumerate(graph.nodes):
        if node.op.further:
            takes[node.inputs[0]] += takes[position]
            takes[position] = 0
    alive = 0
    live: list[int] = []
    for position, taken in enumerate(takes):
        alive += taken
        live.append(alive)
        for gone in ends[position]:
            alive -= sizes[gone]
    return live
