"""A layer inside of blocks and stages: its name, its place, its share of their totals."""

from __future__ import annotations

from archlab.analysis import analyze
from archlab.dsl import Block, Parallel, Stage
from archlab.errors import DesignError
from archlab.graph import Part
from archlab.ops import Identity, Input
from archlab.testing._outcomes import NotApplicable
from archlab.testing._subject import WIDTH, Subject

_PATH = "outer/inner"


def scopes(subject: Subject) -> str:
    """In a block of a stage it has a name of its own, the same facts, and is counted with the block."""
    op = subject.given
    if not subject.inputs:
        raise NotApplicable("an input stands at the beginning, outside of every block")
    if len(set(subject.inputs)) > 1:
        raise NotApplicable("its inputs have different shapes, which no block splits one input into")
    part: Part = op if op.arity == 1 else Parallel(*[Identity()] * len(subject.inputs), merge=op)
    net = Input(*subject.inputs[0]) >> Stage(Block(part, "inner"), WIDTH, "outer")
    graph = net.to_graph()
    node = graph.nodes[-1]
    if node.name != f"{_PATH}/{op.label}" or node.scope is None or node.scope.path != _PATH:
        raise AssertionError(f"in a block it is called {node.name}, expected {_PATH}/{op.label}")
    if node.op != subject.op or node.shape != subject.output:
        raise AssertionError(
            f"in a block it is {node.op!r} of {node.shape}, outside {subject.op!r} of {subject.output}"
        )
    alone, inside = analyze(subject.graph), analyze(graph)
    mine = alone.params.total, alone.compute.macs
    block = inside.params.blocks[_PATH].total, inside.compute.blocks[_PATH].macs or 0
    if (mine[0], mine[1] or 0) != block:
        raise AssertionError(f"in a block it has {block} parameters and MACs, outside {mine}")
    _repeated(subject, part)
    return f"{_PATH}/{op.label}"


def _repeated(subject: Subject, part: Part) -> None:
    """Twice in a row, where it takes what it makes, it has weights of its own each time."""
    try:
        graph = (Input(*subject.inputs[0]) >> Stage(Block(part, "inner") * 2, WIDTH)).to_graph()
    except DesignError:
        return
    names = [node.name for node in graph if type(node.op) is type(subject.op) and node.inputs]
    if len(names) != 2 or len({node.layer for node in graph}) != len(graph):
        raise AssertionError(f"twice in a row it is called {names}, expected two names and weights of its own each")
