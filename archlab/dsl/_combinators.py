from __future__ import annotations

from dataclasses import dataclass

from archlab.arguments import several, text, whole, whole_each
from archlab.dsl._parts import block_scope, check_merge, check_part, incoming
from archlab.errors import ArgumentError, ShapeError
from archlab.graph import Builder, Part, Repeat, Sequence, format_shape
from archlab.ops import Add, Concatenate, Conv, Op, Windows


@dataclass(frozen=True, repr=False)
class Block(Part):
    """A named part of a network, the unit in which results are grouped. A residual directly inside shares its name.

    >>> from archlab import Block, Conv, Input, Residual, ReLU
    >>> [node.name for node in (Input(8, 8, 4) >> Block(Residual(Conv(4)) >> ReLU())).to_graph()]
    ['input', 'block1/conv', 'block1/add', 'block1/relu']
    """

    body: Part
    name: str = ""

    def __post_init__(self) -> None:
        check_part("the body of a Block", self.body)
        text("the name of a Block", self.name)

    @property
    def children(self) -> tuple[Part, ...]:
        return (self.body,)

    def rebuilt(self, children: tuple[Part, ...]) -> Part:
        return Block(children[0], self.name)

    def removed(self) -> Part:
        return self.body

    def lower(self, builder: Builder, value: int | None) -> int | None:
        with block_scope(builder, self.name, joinable=True):
            return self.body.lower(builder, value)


@dataclass(frozen=True, repr=False)
class Residual(Part):
    """What comes in is added to what the body makes of it (He et al. 2016, section 3.1).

    The shortcut is the identity where the shapes agree; elsewhere a 1 × 1 convolution without activation and without
    bias, with the body's strides. `shortcut=` overrides it, `merge=` the addition.

    >>> from archlab import Input, MaxPool, Residual, SeparableConv
    >>> body = SeparableConv(64) >> MaxPool(3, stride=2)
    >>> (Input(44, 44, 32) >> Residual(body)).to_graph()["block1/shortcut"].op
    Conv(64, kernel=1, stride=2, bias=False)
    """

    body: Part
    shortcut: Part | None = None
    merge: Op = Add()

    def __post_init__(self) -> None:
        check_part("the body of a Residual", self.body)
        if self.shortcut is not None:
            check_part("the shortcut of a Residual", self.shortcut)
        check_merge("a Residual", self.merge)

    @property
    def children(self) -> tuple[Part, ...]:
        return (self.body,) if self.shortcut is None else (self.body, self.shortcut)

    def rebuilt(self, children: tuple[Part, ...]) -> Part:
        return Residual(children[0], children[1] if len(children) > 1 else None, self.merge)

    def removed(self) -> Part:
        return Block(self.body)

    def lower(self, builder: Builder, value: int | None) -> int:
        start = incoming(value, "Residual")
        with block_scope(builder):
            end = incoming(self.body.lower(builder, start), "Residual")
            short = self._shortcut(builder, start, end)
            try:
                return builder.add(self.merge, (end, short))
            except ShapeError as error:
                ours, theirs = _stride(builder, start, end), _stride(builder, start, short)
                if ours != theirs:
                    error.rule += f": the shortcut's stride is {_written(theirs)} and the body's is {_written(ours)}"
                else:
                    error.rule += ": the body must keep the sizes that its strides leave ('same' padding does)"
                raise

    def _shortcut(self, builder: Builder, start: int, end: int) -> int:
        if self.shortcut is not None:
            with builder.within("shortcut", "shortcut"):
                return incoming(self.shortcut.lower(builder, start), "the shortcut")
        came, made = builder.shape(start), builder.shape(end)
        if came == made and all(step == 1 for step in _stride(builder, start, end)):
            return start
        if len(made) != len(came) or len(came) < 2:
            raise ShapeError(
                f"no projection leads from {format_shape(came)} to {format_shape(made)}: give shortcut=",
                builder.name("shortcut"),
            )
        strides = _stride(builder, start, end)
        stride = strides[0] if len(set(strides)) == 1 else strides
        return builder.add(Conv(made[-1], kernel=1, stride=stride, bias=False), (start,), label="shortcut")


def _stride(builder: Builder, start: int, end: int) -> tuple[int, ...]:
    """By how much the way from one node to another shrinks each axis, along first inputs."""
    total = (1,) * (len(builder.shape(start)) - 1)
    while end > start:
        node = builder.nodes[end]
        window = node.op.window(*[builder.shape(source) for source in node.inputs])
        if isinstance(window, Windows):
            total = tuple(step * axis.stride for step, axis in zip(total, window.axes, strict=False))
        if not node.inputs:
            break
        end = node.inputs[0]
    return total


def _written(stride: tuple[int, ...]) -> str:
    return str(stride[0]) if len(set(stride)) == 1 else str(stride)


@dataclass(frozen=True, repr=False, init=False)
class Parallel(Part):
    """Branches that read the same input; what they make is merged, along the channels unless told otherwise.

    `Sequence()` is a branch that does nothing.

    >>> from archlab import Conv, Input, MaxPool, Parallel
    >>> (Input(8, 8, 4) >> Parallel(Conv(8), Conv(8, kernel=5), MaxPool(3, stride=1))).to_graph().nodes[-1].shape
    (8, 8, 20)
    """

    branches: tuple[Part, ...]
    merge: Op = Concatenate()

    def __init__(self, *branches: Part, merge: Op | None = None):
        if len(branches) < 2:
            raise ArgumentError(f"Parallel needs at least two branches, got {len(branches)}")
        for branch in branches:
            check_part("a branch of Parallel", branch)
        if merge is not None:
            check_merge("Parallel", merge)
        object.__setattr__(self, "branches", branches)
        object.__setattr__(self, "merge", Concatenate() if merge is None else merge)

    def __repr__(self) -> str:
        merge = "" if self.merge == Concatenate() else f", merge={self.merge!r}"
        return f"Parallel({', '.join(map(repr, self.branches))}{merge})"

    @property
    def children(self) -> tuple[Part, ...]:
        return self.branches

    def rebuilt(self, children: tuple[Part, ...]) -> Part:
        return Parallel(*children, merge=self.merge)

    def lower(self, builder: Builder, value: int | None) -> int:
        start = incoming(value, "Parallel")
        ends: list[int] = []
        for branch in self.branches:
            with builder.within("branch"):
                ends.append(incoming(branch.lower(builder, start), "a branch"))
        return builder.add(self.merge, tuple(ends))


@dataclass(frozen=True, repr=False)
class Stage(Part):
    """Parts that work at one level of the pyramid; fills its width into every block that left its own open.

    >>> from archlab import Conv, Input, ReLU, Stage
    >>> unit = Conv(kernel=3) >> ReLU()
    >>> (Input(8, 8, 3) >> Stage(unit * 2, width=16)).to_graph().nodes[-1].shape
    (8, 8, 16)
    """

    body: Part
    width: int | None = None
    name: str = ""

    def __post_init__(self) -> None:
        check_part("the body of a Stage", self.body)
        text("the name of a Stage", self.name)
        if self.width is not None:
            whole("width of a Stage", self.width)

    @property
    def children(self) -> tuple[Part, ...]:
        return (self.body,)

    def rebuilt(self, children: tuple[Part, ...]) -> Part:
        return Stage(children[0], self.width, self.name)

    def removed(self) -> Part:
        return self.body

    def lower(self, builder: Builder, value: int | None) -> int | None:
        with builder.within("stage", self.name, self.width):
            return self.body.lower(builder, value)


@dataclass(frozen=True, repr=False)
class Pyramid(Part):
    """One stage for each width, the same block in all: the filters grow while the block's strides shrink the map.

    Args:
        block: what opens each stage; leaves its width open.
        widths: of the stages, first to last.
        repeats: blocks in a stage, one number or one for each; those after the first are `then`.
        then: the block that follows the first one of a stage; `block` itself by default.

    >>> from archlab import Conv, Input, MaxPool, Pyramid
    >>> (Input(32, 32, 3) >> Pyramid(Conv() >> MaxPool(), widths=(8, 16, 32))).to_graph().nodes[-1].shape
    (4, 4, 32)
    """

    block: Part
    widths: tuple[int, ...]
    repeats: int | tuple[int, ...] = 1
    then: Part | None = None

    def __post_init__(self) -> None:
        check_part("the block of a Pyramid", self.block)
        if self.then is not None:
            check_part("what follows in a Pyramid", self.then)
        for number, width in enumerate(several("widths of a Pyramid", self.widths), start=1):
            whole(f"width {number} of a Pyramid", width)
        whole_each("repeats of a Pyramid", self.repeats)
        if isinstance(self.repeats, tuple) and len(self.repeats) != len(self.widths):
            raise ArgumentError(f"{len(self.repeats)} repeats do not match {len(self.widths)} widths")

    @property
    def children(self) -> tuple[Part, ...]:
        return (self.block,) if self.then is None else (self.block, self.then)

    def rebuilt(self, children: tuple[Part, ...]) -> Part:
        return Pyramid(children[0], self.widths, self.repeats, children[1] if len(children) > 1 else None)

    @property
    def stages(self) -> tuple[Stage, ...]:
        """The stages it stands for."""
        repeats = self.repeats if isinstance(self.repeats, tuple) else (self.repeats,) * len(self.widths)
        following = self.block if self.then is None else self.then
        return tuple(
            Stage(Sequence.of(self.block, Repeat(following, n - 1)) if n > 1 else self.block, width)
            for width, n in zip(self.widths, repeats, strict=True)
        )

    def lower(self, builder: Builder, value: int | None) -> int | None:
        for stage in self.stages:
            value = stage.lower(builder, value)
        return value
