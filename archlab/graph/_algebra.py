"""The algebra of parts: what `>>` and `*` make, and the transforms that work on every tree.

A part is a value: immutable, equal by content, and written back by `repr` as the code that makes it. Composing two
parts never changes either. Operations (`archlab.ops`) are the leaves, combinators (`archlab.dsl`) the branches.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from dataclasses import MISSING, Field, dataclass, fields
from typing import TYPE_CHECKING, Any, ClassVar, cast

from archlab.arguments import LARGEST, check_types, is_whole
from archlab.errors import ArgumentError, DesignError, did_you_mean
from archlab.graph._builder import Builder
from archlab.graph._graph import Graph
from archlab.shown import Shown
from archlab.text import shown

__all__ = ["Part", "Repeat", "Sequence"]

_DEEPEST = 100
"""Networks are nested five deep or so; Python's own stack ends at some hundred."""


class _Checked(type):
    """Turns Python's complaint about an argument that does not exist into one that names the closest."""

    if not TYPE_CHECKING:  # a metaclass's __call__ would hide every constructor's signature from type checkers

        def __call__(cls, *args, **kwargs):
            try:
                made = super().__call__(*args, **kwargs)
                check_types(cls, vars(made))
            except DesignError:
                raise
            except (TypeError, ValueError, AttributeError, OverflowError) as error:
                # What the signature accepts was refused inside: that error is the part's own, traceback and all.
                refusal = cls._refusal(args, kwargs, error)
                if refusal is None:
                    raise
                raise ArgumentError(refusal) from None
            depth = 1 + max((child.depth for child in made.children), default=0)
            if depth > _DEEPEST:
                raise ArgumentError(f"parts may be nested {_DEEPEST} deep, and no deeper")
            if depth > 1:
                object.__setattr__(made, "depth", depth)
            return made

        def _refusal(cls, args, kwargs, error):
            """Why the signature does not take these arguments; None where it does."""
            signature = inspect.signature(cls)
            try:
                bound = signature.bind(*args, **kwargs)
                check_types(cls, bound.arguments)
            except ArgumentError as refused:
                return str(refused)
            except TypeError:
                known = [name for name, each in signature.parameters.items() if each.kind is not each.VAR_POSITIONAL]
                for name in kwargs:
                    if name not in known:
                        hint = did_you_mean(name, known) if known else "it takes none"
                        return f"{cls.__name__} has no argument {shown(name)}: {hint}"
                return f"{cls.__name__}: {error}"
            return None

        @property
        def __signature__(cls):
            """What `Conv?` shows and what completion offers: the constructor's arguments, not this metaclass's."""
            constructor = inspect.signature(cls.__init__)
            return constructor.replace(
                parameters=list(constructor.parameters.values())[1:], return_annotation=constructor.empty
            )


class Part(Shown, metaclass=_Checked):
    """Anything that can stand in an architecture. Compose parts with `>>`, repeat them with `*`."""

    depth: ClassVar[int] = 1
    """How many parts stand in one another here, itself included."""

    def __rshift__(self, other: Part) -> Sequence:
        if not isinstance(cast("object", other), Part):
            raise ArgumentError(f">> needs a part on its right, such as ReLU(), got {shown(other)}")
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

    def without(self, *kinds: type[Part] | str) -> Part:
        """The tree with every part of these kinds taken away. A residual block keeps its body.

        A kind is a class of parts or its name. Raises ArgumentError for a name that no kind of part has.

        >>> from archlab import BatchNorm, Conv, ReLU
        >>> (Conv(8) >> BatchNorm() >> ReLU()).without(BatchNorm)
        Conv(8) >> ReLU()
        """
        classes = tuple([_kind(kind) for kind in kinds])
        return self.transformed(lambda part: part.removed() if isinstance(part, classes) else part)

    def replace(self, kind: type[Part] | Part | str, by: type[Part] | Part | str | Callable[[Any], Part]) -> Part:
        """The tree with other parts in place of some.

        `kind` is a class of parts or its name, or one part (equal ones are replaced). `by` is a part, a function of
        the old part, or a class or its name: then every argument that both kinds have is carried over. Raises
        ArgumentError for a name that no kind of part has.

        >>> from archlab import Conv, SeparableConv
        >>> SeparableConv(64, kernel=5, bias=False).replace(SeparableConv, Conv)
        Conv(64, kernel=5, bias=False)
        """
        kind = kind if isinstance(kind, Part) else _kind(kind)
        by = _kind(by) if not callable(by) and not isinstance(by, Part) else by

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
        """The architecture for inputs of another shape, `with_input(96, 96, 3)`.

        Two sizes, `with_input(96, 96)`, leave the channels of an image as they are.

        Raises:
            DesignError: there is no Input, or its shape has another number of axes.

        >>> from archlab import Conv, Input
        >>> (Input(32, 32, 1) >> Conv(8)).with_input(96, 64)
        Input(96, 64, 1) >> Conv(8)
        """
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


def _kind(name: object) -> type[Part]:
    """A kind of part, a layer, a block or a combinator: the class itself, or the one of that name."""
    if isinstance(name, type) and issubclass(name, Part):
        return name
    kinds = {kind.__name__: kind for kind in _kinds(Part) if not kind.__name__.startswith("_")}
    if not isinstance(name, str):
        raise ArgumentError(f"a kind of part is a class, such as ReLU, or its name, got {shown(cast('object', name))}")
    if name not in kinds:
        raise ArgumentError(f"no kind of part is called {shown(name)}: {did_you_mean(name, kinds)}")
    return kinds[name]


def _kinds(kind: type[Part]) -> Iterator[type[Part]]:
    for each in kind.__subclasses__():
        yield each
        yield from _kinds(each)


def _arguments(kind: type[Part]) -> list[Field[object]]:
    # Every part is a dataclass, which their common class does not say.
    return [field for field in fields(cast("Any", kind)) if field.init]


def _written(part: Part) -> Iterator[str]:
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
            if not isinstance(cast("object", part), Part):
                raise ArgumentError(f"a Sequence is made of parts, such as ReLU(), got {shown(part)}")
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
        if not isinstance(cast("object", self.part), Part):
            raise ArgumentError(f"the part of a Repeat must be a part, such as ReLU(), got {shown(self.part)}")
        if not is_whole(self.times) or not 0 <= self.times <= LARGEST:
            raise ArgumentError(f"* needs a whole number of repeats, 0 or more, got {shown(self.times)}")

    @property
    def children(self) -> tuple[Part, ...]:
        return (self.part,)

    def rebuilt(self, children: tuple[Part, ...]) -> Part:
        return Repeat(children[0], self.times) if children[0] != Sequence() else Sequence()

    def lower(self, builder: Builder, value: int | None) -> int | None:
        for _ in range(self.times):
            before, nodes = value, len(builder.nodes)
            value = self.part.lower(builder, value)
            if value == before and len(builder.nodes) == nodes:
                break  # it stands for nothing, however often
        return value

    def __repr__(self) -> str:
        inner = f"({self.part!r})" if isinstance(self.part, Sequence | Repeat) else repr(self.part)
        return f"{inner} * {self.times}"
