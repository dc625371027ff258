"""Path lengths: how many ways lead from the input to the output, and how long each is.

Follows A. Veit, M. Wilber, S. Belongie, 'Residual Networks Behave Like Ensembles of Relatively Shallow Networks', NIPS
2016, section 3, and goes on where that ends: projections, concatenation, branches that meet, any graph with merges.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import ClassVar, Literal, NamedTuple

from archlab.analysis._record import Record
from archlab.analysis.static._facts import gather
from archlab.errors import UsageError
from archlab.files import Exact
from archlab.graph import Graph
from archlab.ops import Axis, Op, Window, Windows
from archlab.shown import Printed
from archlab.sources import Reference, load

Unit = Literal["blocks", "layers"]
UNITS: tuple[Unit, ...] = ("blocks", "layers")


class ResidualBlock(NamedTuple):
    """A merge of a shortcut with what goes around it: the positions of its nodes in the graph."""

    fork: int
    """Where the ways part: the last node that all of them come through."""
    merge: int
    """Where they meet."""
    shortcut: int
    """Which of the merge's inputs is the shortcut; the others are bodies."""


def residual_blocks(graph: Graph) -> tuple[ResidualBlock, ...]:
    """Where a shortcut meets what goes around it, in order.

    In a sum, a difference or a mean the shortcut is the way with the fewest layers with a kernel; among those the one
    with the fewest layers that look at more than one unit (a projection has none). Where several are alike in both the
    merge is of parallel branches, and no block. In a concatenation the shortcut is what every other input is made of
    (DenseNet, U-Net).

    >>> from archlab import Conv, Input, Residual
    >>> residual_blocks((Input(8, 8, 4) >> Residual(Conv(4) * 2)).to_graph())
    (ResidualBlock(fork=0, merge=3, shortcut=1),)
    """
    return graph.fact("residual blocks", lambda: _blocks(graph))


def _blocks(graph: Graph) -> tuple[ResidualBlock, ...]:
    above: list[int] = []  # the nodes that each is made of, as bits, itself included
    dominators: list[int] = []  # those that every way to it comes through
    shortest: list[tuple[int, int]] = []
    found: list[ResidualBlock] = []
    for position, (node, facts) in enumerate(zip(graph.nodes, gather(graph), strict=True)):
        own = 1 << position
        ancestors, through = own, own
        if node.inputs:
            common = dominators[node.inputs[0]]
            for source in node.inputs:
                ancestors |= above[source]
                common &= dominators[source]
            through |= common
            if common and len(set(node.inputs)) > 1:
                # A node is numbered after all that it is made of: of those all ways share the last is the highest bit.
                fork = common.bit_length() - 1
                shortcut = _shortcut(node.op, node.inputs, shortest, above)
                if shortcut is not None:
                    found.append(ResidualBlock(fork, position, shortcut))
        above.append(ancestors)
        dominators.append(through)
        spread = any(len(tap) > 1 for axis in _axes(facts.window) for tap in axis.taps)
        before = min([shortest[source] for source in node.inputs], default=(0, 0))
        shortest.append((before[0] + facts.kernel, before[1] + spread))
    return tuple(found)


def _axes(window: Window | None) -> tuple[Axis, ...]:
    """The axes that a window slides along; none where it does not slide."""
    return window.axes if isinstance(window, Windows) else ()


def _shortcut(op: Op, inputs: tuple[int, ...], shortest: list[tuple[int, int]], above: list[int]) -> int | None:
    if op.merge == "sum":
        lengths = [shortest[source] for source in inputs]
        least = min(lengths)
        return lengths.index(least) if lengths.count(least) == 1 else None
    if op.merge == "concatenation":
        for number, source in enumerate(inputs):
            if all(other != source and above[other] >> source & 1 for i, other in enumerate(inputs) if i != number):
                return number
    return None


@dataclass(frozen=True, repr=False)
class PathLengths(Record, Printed):
    """How many paths of each length lead through an architecture.

    Attributes:
        by: what a length counts: 'blocks', the residual blocks that a path goes through the body of, or 'layers', the
            layers with a kernel on it.
        blocks: how many residual blocks there are.
        counts: (length, number of paths) for every length that there is, the shortest first; exact whole numbers.
        name: of the architecture.
    """

    what: ClassVar[str] = "path lengths"

    by: Unit
    blocks: int
    counts: tuple[tuple[int, Exact], ...]
    name: str = ""

    @property
    def total(self) -> int:
        """How many paths there are."""
        return sum(count for _, count in self.counts)

    @property
    def shortest(self) -> int:
        """The length of the shortest path."""
        return self.counts[0][0] if self.counts else 0

    @property
    def longest(self) -> int:
        """The length of the longest path."""
        return self.counts[-1][0] if self.counts else 0

    @property
    def mean(self) -> float:
        """The mean length over all paths."""
        return float(Fraction(sum(length * count for length, count in self.counts), self.total or 1))

    def share(self, length: int) -> float:
        """Of all paths, how many have this length."""
        return float(Fraction(dict(self.counts).get(length, 0), self.total or 1))

    def quantile(self, share: float) -> int:
        """The smallest length that at least this share of all paths does not exceed."""
        if not 0 <= share <= 1:
            raise UsageError(f"a share lies between 0 and 1, got {share!r}")
        left = Fraction(share) * self.total
        for length, count in self.counts:
            left -= count
            if left <= 0:
                return length
        return self.longest

    def __getitem__(self, length: int) -> int:
        """How many paths have this length; none where there is no such length."""
        return dict(self.counts).get(length, 0)


def path_lengths(
    architecture: Reference, by: Unit = "blocks", *, input: Sequence[int | None] | None = None
) -> PathLengths:
    """Count the paths from the input to the output by their length, exactly, without building anything.

    A residual block is a choice of two ways, so n of them in a row are 2ⁿ paths, of which as many as the binomial
    coefficient (n over k) go through k bodies (Veit et al. 2016, 'Residual Networks Behave Like Ensembles of Relatively
    Shallow Networks', section 3). Any graph is counted: branches, concatenations, gates (a product is reached through
    each of its factors).

    Args:
        architecture: a part, a graph, a live Keras model, or a reference such as 'resnet152'.
        by: what a length counts: 'blocks', residual blocks whose body the path goes through, as in the paper; or
            'layers', layers with a kernel on it, as depth does.
        input: another input shape; of a PyTorch module, which does not say it, the shape that it takes: (3, 224, 224).

    Raises:
        UnknownNameError: the reference names nothing.
        DesignError: the architecture does not add up.
        UsageError: `by` is neither.

    >>> from archlab import path_lengths
    >>> paths = path_lengths("resnet152")
    >>> paths.blocks, paths.total == 2**50, paths[25], paths.mean
    (50, True, 126410606437752, 25.0)
    >>> paths.quantile(0.025), paths.quantile(0.975)
    (18, 32)
    """
    found = load(architecture, input)
    graph, name = found.graph, found.name
    if by not in UNITS:
        raise UsageError(f"a length counts 'blocks' or 'layers', got {by!r}")
    blocks = residual_blocks(graph)
    shortcuts = {block.merge: block.shortcut for block in blocks}
    # A polynomial for each node, its coefficient of x^k the number of paths of length k. They are kept as one whole
    # number each, x being a power of two that no coefficient can reach: to add polynomials is then one addition, to
    # multiply by x one shift, whatever their degree.
    ways: list[int] = []
    for node in graph.nodes:
        # Nothing of the input comes through a layer whose output is always the same.
        ways.append(0 if node.op.constant else sum(ways[source] for source in node.inputs) if node.inputs else 1)
    bits = sum(ways[end] for end in graph.outputs).bit_length() + max(ways, default=1).bit_length()
    packed: list[int] = []
    for position, (node, facts) in enumerate(zip(graph.nodes, gather(graph), strict=True)):
        if not node.inputs:
            packed.append(1)
            continue
        if node.op.constant:
            packed.append(0)
            continue
        total = 0
        short = shortcuts.get(position) if by == "blocks" else None
        for number, source in enumerate(node.inputs):
            longer = short is not None and number != short
            total += packed[source] << bits if longer else packed[source]
        packed.append(total << bits if by == "layers" and facts.kernel else total)
    ends = sum(packed[end] for end in graph.outputs)
    counts: list[tuple[int, int]] = []
    mask, length = (1 << bits) - 1, 0
    while ends:
        if ends & mask:
            counts.append((length, ends & mask))
        ends >>= bits
        length += 1
    return PathLengths(by, len(blocks), tuple(counts), name)
