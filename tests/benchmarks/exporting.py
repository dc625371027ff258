"""How exporting and drawing grow with depth.

python -m tests.benchmarks.exporting
"""

from __future__ import annotations

from archlab import Concatenate, Conv, GlobalAvgPool, Graph, Input, Node, ReLU, load, to_python
from archlab.rendering import draw
from tests.benchmarks._timing import in_turns, report


def growing(layers: int) -> Graph:
    """A DenseNet whose layers each concatenate a list of all before, as many libraries write it."""
    nodes = [Node("input", Input(8, 8, 4), (), (8, 8, 4))]
    held = [0]
    for number in range(layers):
        merge, conv = Concatenate(), Conv(4, bias=True)
        shape = merge.output(*[nodes[each].shape for each in held])
        if len(held) > 1:
            nodes.append(Node(f"list{number}", merge, tuple(held), shape, layer=f"list{number}"))
        source = len(nodes) - 1
        nodes.append(Node(f"relu{number}", ReLU(), (source,), shape, layer=f"relu{number}"))
        nodes.append(Node(f"conv{number}", conv, (source + 1,), conv.output(shape), layer=f"conv{number}"))
        held.append(len(nodes) - 1)
    return Graph(tuple(nodes), (len(nodes) - 1,))


def main() -> None:
    """Print the ratios."""
    unit = Conv(4) >> ReLU()
    rows = {
        f"{n:,} repeats": (lambda n=n: to_python(Input(8, 8, 4) >> unit * n >> GlobalAvgPool())) for n in (100, 1000)
    }
    report("Export of a row", in_turns(rows, 3), "100 repeats", "ten times the repeats, about ten times the time")
    graph = load("keras:NASNetMobile").graph
    report("Export of NASNetMobile", in_turns({"to_python": lambda: to_python(graph)}, 3), "to_python", "under 1 s")
    lists = {f"{n} layers": (lambda n=n: draw(growing(n)).svg) for n in (24, 96, 200)}
    report("Drawing lists that grow", in_turns(lists, 3), "24 layers", "about the same: one box for all")


if __name__ == "__main__":
    main()
