"""The layers of an architecture with every value that is known of each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, overload

from archlab.analysis._frame import frame
from archlab.analysis._state import Plain, State, Value
from archlab.analysis.quantities import QUANTITIES, Quantity, Subject
from archlab.errors import UnknownNameError, did_you_mean
from archlab.graph import Node, Shape
from archlab.shown import Printed

if TYPE_CHECKING:
    import pandas


@dataclass(frozen=True)
class Layer:
    """A layer with its values: `layer.macs` is the number, `layer["macs"]` the number with its state."""

    node: Node
    values: Mapping[str, Value]

    @property
    def name(self) -> str:
        """Its name in the graph."""
        return self.node.name

    @property
    def op(self) -> str:
        """Its kind."""
        return self.node.op.title

    @property
    def output(self) -> Shape:
        """The shape of its output for one sample, channels last."""
        return self.node.shape

    def __getitem__(self, quantity: str) -> Value:
        """A value with its state.

        Raises:
            UnknownNameError: there is no such quantity; names the closest.
        """
        if quantity not in self.values:
            raise UnknownNameError(f"no quantity {quantity!r}: {did_you_mean(quantity, self.values)}")
        return self.values[quantity]

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_") or name not in self.values:
            raise AttributeError(f"a layer has no {name!r}: {did_you_mean(name, self.values)}")
        value = self.values[name]
        # Deliberately nothing of what is counted is 0.
        return 0 if value.state is State.FREE and value.number == 0 else value.number

    def to_dict(self) -> dict[str, Plain]:
        """As plain data: a record of a table of layers, with the state of each number."""
        return record(self.node, {QUANTITIES[name]: value for name, value in self.values.items()})


def record(node: Node, values: Mapping[Quantity, Value]) -> dict[str, Plain]:
    """A layer's record for machines: numbers unformatted, sizes as '3x3'."""
    found: dict[str, Plain] = {"name": node.name, "op": node.op.title, "output": joined(node.shape)}
    for quantity, value in values.items():
        found[quantity.field] = plain(value)
    for quantity, value in values.items():
        if quantity.state_field:
            found.setdefault(quantity.state_field, value.state.name.lower())
    return found


def plain(value: Value) -> Plain:
    """A value in one cell."""
    return joined(value.number) if isinstance(value.number, tuple) else value.plain


def joined(sizes: Sequence[Any]) -> str:
    """Sizes in one cell.

    >>> joined((None, 22, 128))
    '?x22x128'
    """
    return "x".join("?" if size is None else str(size) for size in sizes)


class Layers(Sequence[Layer], Printed):
    """Every layer of an architecture, in order: by position or by name."""

    def __init__(self, subject: Subject):
        self.subject = subject
        self._graph = subject.analysis.graph
        columns = {
            each.name: values for each in QUANTITIES.of_layers() if (values := each.layers and each.layers(subject))
        }
        self._layers = tuple(
            Layer(node, {name: values[place] for name, values in columns.items()})
            for place, node in enumerate(self._graph)
        )

    def __len__(self) -> int:
        return len(self._layers)

    def __iter__(self) -> Iterator[Layer]:
        return iter(self._layers)

    @overload
    def __getitem__(self, key: int | str) -> Layer: ...
    @overload
    def __getitem__(self, key: slice) -> tuple[Layer, ...]: ...
    def __getitem__(self, key: int | str | slice) -> Layer | tuple[Layer, ...]:
        """A layer by position or by name, as `Graph` answers."""
        return self._layers[self._graph.position(key) if isinstance(key, str) else key]

    def to_dict(self) -> list[dict[str, Plain]]:
        """As plain data, a record for each layer."""
        return [layer.to_dict() for layer in self]

    def to_pandas(self) -> pandas.DataFrame:
        """A pandas DataFrame, a row for each layer under its name; its columns are called as the quantities are.

        Raises:
            MissingPartError: pandas is not installed.
        """
        return frame(self.to_dict()).rename(columns={each.field: each.name for each in QUANTITIES.of_layers()})


class ByLayer(Printed):
    """What has `layers`: finds one by its name, and makes a table of pandas of them all."""

    def _subject(self) -> Subject:
        """What quantities are asked of."""
        raise NotImplementedError

    @cached_property
    def layers(self) -> Layers:
        """Every layer with its values; a table with `to_pandas`."""
        return Layers(self._subject())

    def __getitem__(self, name: str) -> Layer:
        """The layer of that name.

        Raises:
            UnknownNameError: there is none; names the closest.
        """
        return self.layers[name]

    def to_pandas(self) -> pandas.DataFrame:
        """A pandas DataFrame with a row for each layer and a column for each quantity.

        Raises:
            MissingPartError: pandas is not installed.
        """
        return self.layers.to_pandas()
