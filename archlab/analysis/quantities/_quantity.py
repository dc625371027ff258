"""What a quantity is: what it is called, how it is written, where it comes from, how it adds up."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import sqrt
from typing import Literal, Protocol, TypeAlias

from archlab.analysis._flow import GradientFlow
from archlab.analysis._state import State, Value, nothing
from archlab.analysis.static._numbers import Numbers
from archlab.analysis.static.outline import groups
from archlab.analysis.static.signal import PredictedFlow, predict
from archlab.analysis.trainability import Forecast, forecast_graph
from archlab.errors import did_you_mean
from archlab.units import Unit

Place: TypeAlias = Literal["compare", "list", "diff", "layers", "groups", "page"]
"""Where a quantity can stand: a row of a comparison, of a difference or a column of the list of architectures, each
once for the whole; a column of a table of layers, of blocks and stages, and of the layers of a page."""

EVERYWHERE: frozenset[Place] = frozenset(("compare", "diff", "layers", "groups", "page"))
AND_LISTED: frozenset[Place] = frozenset((*EVERYWHERE, "list"))
Combine: TypeAlias = Literal["sum", "largest", "last", "norm"]


class Subject(Protocol):
    """What quantities are asked of: one architecture's numbers and gradients."""

    @property
    def analysis(self) -> Numbers:
        """What is counted."""
        ...

    @property
    def gradient_flow(self) -> GradientFlow | None:
        """What was measured."""
        ...

    @property
    def gradient_flow_predicted(self) -> PredictedFlow:
        """What is predicted."""
        ...

    @property
    def forecast(self) -> Forecast:
        """Whether it trains."""
        ...


@dataclass(frozen=True)
class Quantity:
    """A quantity: described here once, and read by every table, format, option and chart.

    Attributes:
        name: what it is called in code, and with dashes on the command line.
        label: what it is called where it is read.
        unit: of its numbers.
        explanation: what it is, in a sentence or two.
        whole: its value for a whole architecture; None where it has none.
        layers: its value for every node of the graph, in order; None where it has none. The function itself may return
            None: nothing of the kind is known of this architecture.
        combine: how the values of layers make that of a block or a stage: their sum, the largest, the last layer's, or
            the root of the sum of their squares.
        better: which direction is better; None where neither is.
        column: its label in a table of layers, where that is another.
        parent: the label that its own is set below in a comparison.
        short: its label there.
        places: where it stands.
        key: its path in the JSON of an architecture, such as 'params.total'; '' where it has none.
        record: its key in the records of layers, its name by default.
        state_record: the key of its state there; '' where it has none.
        aliases: older names that options still take.
        leading: whether its column stands before others in a table of layers, so that it stays where there is little
            room.
        differs: whether it is said by how much it differs between two architectures.
        logarithmic: whether its values span decades, so that colours go by their logarithm.
        counted: whether it is counted, and so stands in every table's records; what is predicted or measured takes
            work, and stands where it is asked for.
        worth_a_row: whether a comparison in which it is 0 everywhere has a row of it.
    """

    name: str
    label: str
    unit: Unit
    explanation: str
    whole: Callable[[Subject], Value] | None = None
    layers: Callable[[Subject], Sequence[Value] | None] | None = None
    combine: Combine = "sum"
    better: Literal["lower", "higher"] | None = None
    column: str = ""
    parent: str = ""
    short: str = ""
    places: frozenset[Place] = EVERYWHERE
    key: str | None = None
    record: str = ""
    state_record: str | None = None
    aliases: tuple[str, ...] = ()
    leading: bool = False
    differs: bool = False
    logarithmic: bool = False
    counted: bool = True
    worth_a_row: bool = True

    @property
    def option(self) -> str:
        """Its name on the command line."""
        return self.name.replace("_", "-")

    @property
    def older_name(self) -> str:
        """Its name in the JSON of a difference, which keeps the oldest."""
        return self.aliases[0] if self.aliases else self.name

    @property
    def heading(self) -> str:
        """Its label over a column."""
        return self.column or self.label

    @property
    def path(self) -> str:
        """Its path in JSON."""
        return self.name if self.key is None else self.key

    @property
    def field(self) -> str:
        """Its key in the records of layers."""
        return self.record or self.name

    @property
    def state_field(self) -> str:
        """The key of its state there."""
        return f"{self.field}_state" if self.state_record is None else self.state_record

    def stands(self, place: Place) -> bool:
        """Whether it stands in a place, and has values there."""
        has = self.layers if place in ("layers", "groups", "page") else self.whole
        return has is not None and place in self.places

    def groups(self, subject: Subject, by: str) -> Mapping[str, Value] | None:
        """Its value for each block or stage; None where layers have none."""
        values = self.layers(subject) if self.layers else None
        if values is None:
            return None
        found = groups(subject.analysis.graph, by)
        return {name: self.combined([values[place] for place in members]) for name, members in found.items()}

    def combined(self, values: Sequence[Value]) -> Value:
        """Several layers' values as one; its state is the highest of theirs."""
        if self.combine == "last":
            said = [each for each in values if each.number is not None or each.words or each.state is not State.FREE]
            return (said or values)[-1]
        numbers = [float(each) if isinstance(each, float) else each for each in _numbers(values)]
        state = max((each.state for each in values), default=State.FREE)
        if any(each.state is State.UNSIZED for each in values):
            return Value(None, State.UNSIZED)
        if not numbers:
            return Value(None, State.UNKNOWN) if state is State.UNKNOWN else nothing()
        total = {
            "sum": lambda: sum(numbers),
            "largest": lambda: max(numbers),
            "norm": lambda: sqrt(sum(each * each for each in numbers)),
        }[self.combine]()
        if state >= State.LOWER_BOUND:
            return Value(total, State.LOWER_BOUND) if total else Value(None, State.UNKNOWN)
        return Value(total, State.COUNTED if total else State.FREE)


def _numbers(values: Sequence[Value]) -> list[int | float]:
    return [each.number for each in values if isinstance(each.number, int | float)]


class Registry(Mapping[str, Quantity]):
    """All quantities by name, in the order they are shown in."""

    def __init__(self) -> None:
        self._quantities: dict[str, Quantity] = {}

    def add(self, quantity: Quantity, after: str = "") -> Quantity:
        """Take a quantity in, at the end or behind another.

        >>> from archlab.units import COUNT
        >>> registry = Registry()
        >>> registry.add(Quantity("macs", "MACs", COUNT, "multiply–accumulates")).option
        'macs'
        """
        known = list(self._quantities.values())
        place = len(known) if not after else 1 + [each.name for each in known].index(after)
        known.insert(place, quantity)
        self._quantities = {each.name: each for each in known}
        return quantity

    def remove(self, name: str) -> None:
        """Leave a quantity out again."""
        del self._quantities[name]

    def __getitem__(self, name: str) -> Quantity:
        try:
            return self._quantities[name]
        except KeyError:
            raise KeyError(f"no quantity {name!r}: {did_you_mean(name, self._quantities)}") from None

    def __iter__(self):
        return iter(self._quantities)

    def __len__(self) -> int:
        return len(self._quantities)

    def at(self, place: Place) -> tuple[Quantity, ...]:
        """Those that stand in a place, in order."""
        return tuple(each for each in self._quantities.values() if each.stands(place))

    def of_layers(self) -> tuple[Quantity, ...]:
        """Those that layers have values of."""
        return tuple(each for each in self._quantities.values() if each.layers)

    def of_wholes(self) -> tuple[Quantity, ...]:
        """Those that whole architectures have values of."""
        return tuple(each for each in self._quantities.values() if each.whole)

    def named(self, option: str) -> Quantity | None:
        """The one that an option means, by its name on the command line or an older one."""
        for each in self._quantities.values():
            if option in (each.option, each.name, *each.aliases):
                return each
        return None


QUANTITIES = Registry()
"""Every quantity: what `compare`, `show`, `list`, `diff`, pages, JSON, CSV, `--sort` and `--color` read."""


@dataclass(frozen=True)
class Counted:
    """An architecture of which nothing was measured, as a subject of quantities."""

    analysis: Numbers
    gradient_flow: GradientFlow | None = None

    @property
    def gradient_flow_predicted(self) -> PredictedFlow:
        """What is predicted."""
        return predict(self.analysis.graph)

    @property
    def forecast(self) -> Forecast:
        """Whether it trains."""
        return forecast_graph(self.analysis.graph)
