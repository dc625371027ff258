"""The algebra of parts: what `>>` and `*` make, and the transforms that work on every tree.

A part is a value: immutable, equal by content, and written back by `repr` as the code that makes it. Composing two
parts never changes either. Operations (`archlab.ops`) are the leaves, combinators (`archlab.dsl`) the branches.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import MISSING, dataclass, fields
from typing import TYPE_CHECKING, Any

from archlab.errors import ArgumentError, DesignError, did_you_mean
from archlab.graph import Builder, Graph
from archlab.shown import Shown

__all__ = ["Part", "Repeat", "Sequence"]


class _Checked(type):
    """Turns Python's complaint about an argument that does not exist into one that names the closest."""

    if not TYPE_CHECKING:  # a metaclass's __call__ would hide every constructor's signature from type checkers

        def __call__(cls, *args, **kwargs):
            try:
                return super().__call__(*args, **kwargs)
            except TypeError as error:
                if isinstance(error, ArgumentError):
                    raise
                known = [field.name for field in fields(cls)]
                for name in kwargs:
                    if name not in known:
                        hint = did_you_mean(name, known) if known else "it takes none"
                        raise ArgumentError(f"{cls.__name__} has no argument {name!r}: {hint}") from None
                raise ArgumentError(f"{cls.__name__}: {error}") from None


class Part(Shown, metaclass=_Checked):
    """Anything that can stand in an architecture. Compose parts with `>>`, repeat them with `*`."""

    def __rshift__(self, other: Part) -> Sequence:
        if not isinstance(other, Part):
            raise ArgumentError(f">> needs a part on its right, such as ReLU(), got {other!r}")
        return Sequence.of(self, other)

    def __mul__(self, times: int) -> Repeat:
        return Repeat(self, times)

    __rmul__ = __mul__

    # What each kind of part answers for itself.

    def lower(self, builder: Builder, value: int | None) -> int | None:
        """Append this part's nodes to a graph; takes and returns the position of the value that flows through."""
        raise NotImplementedError(f"{type(self).__name__} does not say how it becomes nodes")

    @property
    def children(self) -> tuple[Part, ...]:
        """The parts directly inside this one."""
        return ()

    def rebuilt(self, children: tuple[Part, ...]) -> Part:
        """The same part with other children."""
        return self

    def removed(self) -> Part:
        """What is left when this kind of part is taken away: nothing, unless the kind says otherwise."""
        return Sequence()

    # Transforms: each gives a whole architecture again.

    def transformed(self, change: Callable[[Part], Part]) -> Part:
        """The tree with `change` applied to every part, the innermost first."""
        children = self.children
        changed = tuple(child.transformed(change) for child in children)
        same = all(new is old for new, old in zip(changed, children, strict=True))
        return change(self if same else self.rebuilt(changed))

    def without(self, *kinds: type[Part]) -> Part:
        """The tree with every part of these kinds taken away. A residual block keeps its body.

        >>> from archlab import BatchNorm, Conv, ReLU
        >>> (Conv(8) >> BatchNorm() >> ReLU()).without(BatchNorm)
        Conv(8) >> ReLU()
        """
        return self.transformed(lambda part: part.removed() if isinstance(part, kinds) else part)

    def replace(self, kind: type[Part] | Part, by: type[Part] | Part | Callable[[Any], Part]) -> Part:
        """The tree with other parts in place of some.

        `kind` is a class of parts, or one part (equal ones are replaced). `by` is a part, a function of the old
        part, or a class: then every argument that both kinds have is carried over.

        >>> from archlab import Conv, SeparableConv
        >>> SeparableConv(64, kernel=5, bias=False).replace(SeparableConv, Conv)
        Conv(64, kernel=5, bias=False)
        """

        def change(part: Part) -> Part:
            if not (isinstance(part, kind) if isinstance(kind, type) else part == kind):
                return part
            if isinstance(by, type):
                taken = {field.name for field in _arguments(by)}
                kept = {f.name: getattr(part, f.name) for f in _arguments(type(part)) if f.name in taken}
                return by(**kept)
            return by if isinstance(by, Part) else by(part)

        return self.transformed(change)

    def with_input(self, *shape: int | None) -> Part:
        """The architecture for inputs of another shape, `with_input(96, 96, 3)`."""
        found = False

        def change(part: Part) -> Part:
            nonlocal found
            resized = part.resized_input(shape)
            found = found or resized is not None
            return part if resized is None else resized

        tree = self.transformed(change)
        if not found:
            raise DesignError("there is no Input to give another shape")
        return tree

    def resized_input(self, shape: tuple[int | None, ...]) -> Part | None:
        """For an input: the same with another shape. For every other part: None."""
        return None

    def walk(self) -> Iterator[Part]:
        """Every part of the tree, outermost first."""
        yield self
        for child in self.children:
            yield from child.walk()

    def to_graph(self, name: str = "") -> Graph:
        """The architecture as a graph of nodes, with shapes worked out.

        Raises:
            DesignError: names the path of the block at fault, the shapes and the rule.
        """
        builder = Builder()
        result = self.lower(builder, None)
        if result is None:
            raise DesignError("an architecture begins with Input(height, width, channels)")
        return builder.graph((result,), name)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(_written(self))})"


def _arguments(kind: type) -> list[Any]:
    return [field for field in fields(kind) if field.init]


def _written(part: Any) -> Iterator[str]:
    """A part's arguments as code: the first by position, those that stand at their default left out."""
    for position, field in enumerate(_arguments(type(part))):
        value = getattr(part, field.name)
        default = field.default if field.default_factory is MISSING else field.default_factory()
        # 0 == False and 1 == True: those are different arguments.
        if type(value) is type(default) and value == default:
            continue
        yield repr(value) if position == 0 else f"{field.name}={value!r}"


@dataclass(frozen=True, repr=False)
class Sequence(Part):
    """Parts one after another: what `a >> b` makes. `Sequence()` is nothing, the identity."""

    parts: tuple[Part, ...] = ()

    def __post_init__(self) -> None:
        # Always flat, so that (a >> b) >> c == a >> (b >> c).
        flat: list[Part] = []
        for part in self.parts:
            flat.extend(part.parts if isinstance(part, Sequence) else (part,))
        object.__setattr__(self, "parts", tuple(flat))

    @staticmethod
    def of(*parts: Part) -> Sequence:
        """The parts one after another, whatever their number."""
        return Sequence(parts)

    @property
    def children(self) -> tuple[Part, ...]:
        return self.parts

    def rebuilt(self, children: tuple[Part, ...]) -> Part:
        # A sequence of one is that one: taking a part away leaves the tree that would have been written without it.
        sequence = Sequence.of(*children)
        return sequence.parts[0] if len(sequence.parts) == 1 else sequence

    def lower(self, builder: Builder, value: int | None) -> int | None:
        for part in self.parts:
            try:
                value = part.lower(builder, value)
            except DesignError as error:
                error.parts.append(part)
                raise
        return value

    def __repr__(self) -> str:
        if len(self.parts) < 2:
            return f"Sequence({self.parts!r})" if self.parts else "Sequence()"
        return " >> ".join(map(repr, self.parts))


@dataclass(frozen=True, repr=False)
class Repeat(Part):
    """A part several times in a row, with weights of its own each time: what `unit * 2` makes."""

    part: Part
    times: int

    def __post_init__(self) -> None:
        if not isinstance(self.times, int) or isinstance(self.times, bool) or self.times < 0:
            raise ArgumentError(f"* needs a whole number of repeats, 0 or more, got {self.times!r}")

    @property
    def children(self) -> tuple[Part, ...]:
        return (self.part,)

    def rebuilt(self, children: tuple[Part, ...]) -> Part:
        return Repeat(children[0], self.times) if children[0] != Sequence() else Sequence()

    def lower(self, builder: Builder, value: int | None) -> int | None:
        for _ in range(self.times):
            value = self.part.lower(builder, value)
        return value

    def __repr__(self) -> str:
        inner = f"({self.part!r})" if isinstance(self.part, Sequence | Repeat) else repr(self.part)
        return f"{inner} * {self.times}"
