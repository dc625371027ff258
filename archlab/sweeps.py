"""Gradient flow of several architectures, at several depths, under several initializers."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from archlab import zoo
from archlab.analysis._names import apart
from archlab.analysis.static import before_head
from archlab.analysis.static.signal import PredictedFlow, predict
from archlab.errors import DesignError, UnknownNameError, UsageError, did_you_mean
from archlab.graph import Graph
from archlab.result import gradient_flow
from archlab.shown import Shown
from archlab.sources import Architecture, Reference, load

if TYPE_CHECKING:
    from archlab.analysis._flow import GradientFlow

__all__ = ["INITIALIZERS", "Sweep", "Variant", "sweep", "with_initializer"]

INITIALIZERS = {
    "glorot": "glorot_uniform",
    "he": "he_normal",
    "lecun": "lecun_normal",
    "orthogonal": "orthogonal",
    "glorot_normal": "glorot_normal",
    "glorot_uniform": "glorot_uniform",
    "he_normal": "he_normal",
    "he_uniform": "he_uniform",
    "lecun_normal": "lecun_normal",
    "lecun_uniform": "lecun_uniform",
    "random_normal": "random_normal",
    "random_uniform": "random_uniform",
    "truncated_normal": "truncated_normal",
}
"""Initializers by the names they may be asked for."""


@dataclass(frozen=True)
class Variant:
    """One architecture of a sweep, with what was changed about it."""

    name: str
    base: str
    depth: int | None
    initializer: str | None
    flow: GradientFlow
    graph: Graph

    @property
    def predicted(self) -> PredictedFlow:
        """What theory expects of it."""
        return predict(self.graph)


@dataclass(frozen=True)
class Sweep(Shown):
    """Gradient flow of every variant, in order."""

    variants: tuple[Variant, ...]

    def __iter__(self) -> Iterator[Variant]:
        return iter(self.variants)

    def __len__(self) -> int:
        return len(self.variants)

    def to_dict(self) -> dict[str, Any]:
        """As plain data, by a schema that later versions only add to."""
        found = [
            {"reference": each.base, "depth": each.depth, "initializer": each.initializer}
            | each.flow.to_dict() | {"name": each.name}
            for each in self.variants
        ]  # fmt: skip
        return {"schema": 1, "gradient_flow": found}


def sweep(
    *references: Reference,
    depths: Sequence[int] = (),
    initializers: Sequence[str] = (),
    progress: Callable[[str, str], None] | None = None,
    input: Sequence[int | None] | None = None,
    allow_lambda: bool = False,
    **options: Any,
) -> Sweep:
    """Measure gradient flow for every reference, at every depth, under every initializer.

    Args:
        references: as for `gradient_flow`; those of the zoo that take a depth where depths are given.
        depths: of the architectures; each as it is unless given.
        initializers: of every kernel before the head, 'he', 'glorot', 'lecun', 'orthogonal' or a name that Keras knows.
        progress: called with a variant's name and a word on every step done.
        input: another input shape for all.
        allow_lambda: load saved Keras models although they hold lambdas, which are code that then runs.
        options: `data`, `loss`, `seeds`, `batch`, `batches` and `training`, as for `gradient_flow`.

    Raises:
        UsageError: a reference that takes no depth, or an initializer that is not known.

    >>> found = sweep("plain:width=4", depths=(4, 6), initializers=("he",), seeds=1, input=(32, 32))
    >>> [(variant.depth, variant.initializer, len(variant.flow.curve)) for variant in found]
    [(4, 'he_normal', 3), (6, 'he_normal', 5)]
    """
    if not references:
        raise UsageError("gradients of at least one architecture are needed")
    drawn = [_initializer(name) for name in initializers] or [None]
    plan = [
        (str(reference) if isinstance(reference, str) else found.name, found, depth, initializer)
        for reference in references
        for depth in (depths or (None,))
        for found in (_loaded(reference, depth, input, allow_lambda),)
        for initializer in drawn
    ]
    names = apart(
        found.name if initializer is None else f"{found.name} {initializer}" for _, found, _, initializer in plan
    )
    variants: list[Variant] = []
    for name, (base, found, depth, initializer) in zip(names, plan, strict=True):
        tell = (lambda word, name=name: progress(name, word)) if progress else None
        try:
            graph = found.graph if initializer is None else with_initializer(found.graph, initializer)
            what: Any = found if initializer is None else graph
            flow = replace(gradient_flow(what, progress=tell, **options), name=name)
        except DesignError as error:
            raise error.within(found.name) from None
        variants.append(Variant(name, base, depth, initializer, flow, graph))
    return Sweep(tuple(variants))


def _initializer(name: str) -> str:
    if name not in INITIALIZERS:
        raise UsageError(f"no initializer named {name!r}: {did_you_mean(name, INITIALIZERS)}")
    return INITIALIZERS[name]


def _loaded(
    reference: Reference, depth: int | None, input: Sequence[int | None] | None, allow_lambda: bool
) -> Architecture:
    shape = None if input is None else tuple(input)
    if depth is None:
        return load(reference, shape, allow_lambda=allow_lambda)
    if not isinstance(reference, str):
        raise UsageError(f"depths need names of the zoo, such as plain and residual, got {reference!r}")
    try:
        known = "depth" in zoo.find(reference.partition(":")[0]).arguments
    except UnknownNameError:
        load(reference)  # what cannot be loaded says so itself
        known = False
    if not known:
        raise UsageError(f"{reference} takes no depth: choose one that does, such as plain or residual")
    return load(f"{reference}{',' if ':' in reference else ':'}depth={depth}", shape)


def with_initializer(graph: Graph, initializer: str) -> Graph:
    """The same graph with every kernel before the head drawn by another initializer."""
    body = before_head(graph)
    nodes = [
        replace(node, op=replace(node.op, initializer=initializer))
        if inside and "initializer" in getattr(node.op, "__dataclass_fields__", {})
        else node
        for node, inside in zip(graph.nodes, body, strict=True)
    ]
    return Graph(tuple(nodes), graph.outputs, graph.name)
