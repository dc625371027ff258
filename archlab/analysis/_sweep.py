"""Gradient flow of several architectures, at several depths, under several initializers."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar

from archlab import zoo
from archlab.analysis._flow import GradientFlow
from archlab.analysis._frame import frame
from archlab.analysis._names import apart
from archlab.analysis._record import Record
from archlab.analysis.static import before_head
from archlab.analysis.static.signal import PredictedFlow, predict
from archlab.errors import DesignError, UnknownNameError, UsageError, did_you_mean
from archlab.files import INLINE, KEY
from archlab.graph import Graph
from archlab.shown import Printed
from archlab.sources import Architecture, Reference, load

if TYPE_CHECKING:
    import pandas
    from altair import TopLevelMixin

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
class Variant(Record):
    """One architecture of a sweep, what was changed about it, and its gradients, measured and predicted."""

    name: str
    base: str = field(metadata={KEY: "reference"})
    depth: int | None
    initializer: str | None
    flow: GradientFlow = field(metadata=INLINE)
    predicted: PredictedFlow

    def to_dict(self) -> dict[str, Any]:
        """As plain data."""
        about = {"reference": self.base, "depth": self.depth, "initializer": self.initializer}
        return about | self.flow.to_dict() | {"name": self.name, "predicted": self.predicted.to_dict()}


@dataclass(frozen=True, repr=False)
class Sweep(Record, Printed):
    """Gradient flow of every variant, in order."""

    what: ClassVar[str] = "sweep"

    variants: tuple[Variant, ...] = field(metadata={KEY: "gradient_flow"})

    def __iter__(self) -> Iterator[Variant]:
        return iter(self.variants)

    def __len__(self) -> int:
        return len(self.variants)

    def __getitem__(self, key: int | str) -> Variant:
        """A variant by position or by name.

        Raises:
            UnknownNameError: there is none of that name; names the closest.
        """
        if isinstance(key, int):
            return self.variants[key]
        for variant in self.variants:
            if variant.name == key:
                return variant
        raise UnknownNameError(f"no variant named {key!r}: {did_you_mean(key, [each.name for each in self])}")

    def plot(self, quantity: str = "activation_gradient_rms") -> TopLevelMixin:
        """The curve of a quantity of every variant against depth, as an Altair chart.

        Args:
            quantity: a field of `LayerFlow`.
        """
        from archlab.charts import by_depth

        return by_depth([(variant.name, variant.flow.curve) for variant in self], quantity)

    def to_pandas(self) -> pandas.DataFrame:
        """A pandas DataFrame with a row for each layer of each variant.

        Raises:
            MissingPartError: pandas is not installed.
        """
        return frame(
            [{"variant": variant.name} | layer.row() for variant in self for layer in variant.flow.layers],
            "variant",
        )

    def to_dict(self) -> dict[str, Any]:
        """As plain data, by a schema that later versions only add to."""
        return {"schema": 2, "gradient_flow": [variant.to_dict() for variant in self.variants]}


def sweep(
    *references: Reference,
    depths: Sequence[int] = (),
    initializers: Sequence[str] = (),
    progress: Callable[[str, str], None] | None = None,
    input: Sequence[int | None] | None = None,
    **options: Any,
) -> Sweep:
    """Measure gradient flow for every reference, at every depth, under every initializer.

    Args:
        references: as for `gradient_flow`; those of the zoo that take a depth where depths are given.
        depths: of the architectures; each as it is by default.
        initializers: of every kernel before the head, 'he', 'glorot', 'lecun', 'orthogonal' or a name that Keras knows.
        progress: called with a variant's name and a word on every step done.
        input: another input shape for all.
        options: `data`, `loss`, `seeds`, `batch`, `batches` and `training`, as for `gradient_flow`.

    Raises:
        UsageError: a reference that takes no depth, an initializer that is not known, or one for a PyTorch module.

    >>> found = sweep("plain:width=4", depths=(4, 6), initializers=("he",), seeds=1, input=(32, 32))
    >>> [(variant.depth, variant.initializer, len(variant.flow.curve)) for variant in found]
    [(4, 'he_normal', 3), (6, 'he_normal', 5)]
    """
    if not references:
        raise UsageError("gradients of at least one architecture are needed")
    drawn = [_initializer(name) for name in initializers] or [None]
    plan = [
        (reference if isinstance(reference, str) else found.reference or found.name, found, depth, initializer)
        for reference in references
        for depth in (depths or (None,))
        for found in (_loaded(reference, depth, input),)
        for initializer in drawn
    ]
    for _, found, _, initializer in plan:
        if initializer is not None and found.module is not None:
            raise UsageError(
                f"{found.name} is a PyTorch module, whose own code draws its weights: measure it without --init, or "
                "set its initializers in that code"
            )
    names = apart(
        found.name if initializer is None else f"{found.name} {initializer}" for _, found, _, initializer in plan
    )
    from archlab.analysis.measured import gradient_flow  # loads TensorFlow, which names and depths are checked without

    variants: list[Variant] = []
    for name, (base, found, depth, initializer) in zip(names, plan, strict=True):
        tell = partial(progress, name) if progress else None
        try:
            graph = found.graph if initializer is None else with_initializer(found.graph, initializer)
            flow = replace(gradient_flow(found if initializer is None else graph, progress=tell, **options), name=name)
        except DesignError as error:
            raise error.within(found.name) from None
        predicted = predict(graph, found.compiled_loss, found.unusual_starts)
        variants.append(Variant(name, base, depth, initializer, flow, predicted))
    return Sweep(tuple(variants))


def _initializer(name: str) -> str:
    if name not in INITIALIZERS:
        raise UsageError(f"no initializer named {name!r}: {did_you_mean(name, INITIALIZERS)}")
    return INITIALIZERS[name]


def _loaded(reference: Reference, depth: int | None, input: Sequence[int | None] | None) -> Architecture:
    if depth is None:
        return load(reference, input)
    if not isinstance(reference, str):
        raise UsageError(f"depths need names of the zoo, such as plain and residual, got {reference!r}")
    try:
        known = "depth" in zoo.find(reference.partition(":")[0]).arguments
    except UnknownNameError:
        load(reference)  # what cannot be loaded says so itself
        known = False
    if not known:
        raise UsageError(f"{reference} takes no depth: choose one that does, such as plain or residual")
    return load(f"{reference}{',' if ':' in reference else ':'}depth={depth}", input)


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
