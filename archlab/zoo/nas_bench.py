from __future__ import annotations

from collections.abc import Mapping

from archlab.dsl import Cell, Part, Residual, Stage
from archlab.errors import ArgumentError, did_you_mean
from archlab.ops import AvgPool, BatchNorm, Conv, Dense, GlobalAvgPool, Identity, Input, ReLU, Zero
from archlab.zoo._registry import architecture

_NORM = BatchNorm(momentum=0.9, epsilon=1e-5)
_OPERATIONS: Mapping[str, Part] = {
    "none": Zero(),
    "skip_connect": Identity(),
    "nor_conv_1x1": ReLU() >> Conv(kernel=1, bias=False) >> _NORM,
    "nor_conv_3x3": ReLU() >> Conv(kernel=3, bias=False) >> _NORM,
    "avg_pool_3x3": AvgPool(3, stride=1),
}
_FORM = "|op~0|+|op~0|op~1|+|op~0|op~1|op~2|"
_BEST = "|nor_conv_3x3~0|+|nor_conv_3x3~0|nor_conv_3x3~1|+|skip_connect~0|nor_conv_3x3~1|nor_conv_1x1~2|"


def cell_of(text: str) -> Cell:
    """The cell that a string of the benchmark names."""
    nodes = text.split("+")
    if len(nodes) != 3:
        raise ArgumentError(f"cell must have three nodes, {_FORM}, got {text!r}")
    edges: list[tuple[int, int, Part]] = []
    for target, node in enumerate(nodes, start=1):
        written = node.strip().split("|")
        if len(written) != target + 2 or written[0] or written[-1]:
            form = "|" + "|".join([f"op~{source}" for source in range(target)]) + "|"
            raise ArgumentError(f"cell: node {target} must be written {form}, got {node!r}")
        for source, edge in enumerate(written[1:-1]):
            name, _, start = edge.partition("~")
            if start != str(source):
                raise ArgumentError(
                    f"cell: edge {source + 1} of node {target} comes from node {source}, {name}~{source}, got {edge!r}"
                )
            if name not in _OPERATIONS:
                near = did_you_mean(name, _OPERATIONS)
                raise ArgumentError(f"cell: edge {source + 1} of node {target}: no operation {name!r}: {near}")
            edges.append((source, target, _OPERATIONS[name]))
    return Cell(*edges)


@architecture("X. Dong, Y. Yang, NAS-Bench-201: Extending the Scope of Reproducible NAS, ICLR 2020")
def nas201(cell: str = _BEST, repeats: int = 5, width: int = 16, classes: int = 10) -> Part:
    """Three stages of one cell with four nodes, given as the benchmark's string; by default one of the best.

    Between stages stands a residual block with stride 2. What the output does not depend on is left out, and not
    counted; where an operation without effect has weights the benchmark counts them. 'same' padding with stride 2 pads
    below and to the right, where the benchmark's code pads above and to the left.

    Args:
        cell: |op~0|+|op~0|op~1|+|op~0|op~1|op~2|: for the nodes 1, 2 and 3 an operation on each edge, from
            the node behind ~. Operations are none, skip_connect, nor_conv_1x1, nor_conv_3x3 and avg_pool_3x3.
        repeats: cells in a stage.
        width: of the first stage; doubles at every stage.
        classes: softmax units.
    """
    for name, value in (("repeats", repeats), ("width", width)):
        if value < 1:
            raise ArgumentError(f"{name} must be a whole number of at least 1, got {value}")
    body = (
        ReLU() >> Conv(kernel=3, stride=2, bias=False) >> _NORM
        >> ReLU() >> Conv(kernel=3, bias=False) >> _NORM
    )  # fmt: skip
    shrink = Residual(body, shortcut=AvgPool(2) >> Conv(kernel=1, bias=False))
    cells = cell_of(cell) * repeats
    return (
        Input(32, 32, 3)
        >> Conv(width, kernel=3, bias=False)
        >> _NORM
        >> Stage(cells, width)
        >> Stage(shrink >> cells, width * 2)
        >> Stage(shrink >> cells, width * 4)
        >> _NORM
        >> ReLU()
        >> GlobalAvgPool()
        >> Dense(classes, activation="softmax")
    )
