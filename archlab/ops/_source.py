from __future__ import annotations

from dataclasses import dataclass, replace

from archlab.arguments import choice, whole
from archlab.errors import ArgumentError, DesignError, ShapeError
from archlab.graph import Builder, Shape
from archlab.ops._base import Kept, KerasLayer, Op
from archlab.ops._window import POINTWISE, Window
from archlab.units import BYTES_PER_ELEMENT


@dataclass(frozen=True, repr=False, init=False)
class Input(Op):
    """What comes in: `Input(height, width, channels)`, without the batch; None where a size is not known.

    >>> from archlab import Conv, Input
    >>> (Input(None, None, 3) >> Conv(8)).to_graph()["conv"].shape
    (None, None, 8)
    """

    family = "input"
    shape: tuple[int | None, ...]
    dtype: str = "float32"
    arity = 0
    free = True

    def __init__(self, *shape: int | None, dtype: str = "float32"):
        if not shape:
            raise ArgumentError("Input needs a shape, such as Input(180, 180, 3)")
        for size in shape:
            if size is not None:
                whole("a size of Input", size)
        choice("dtype", dtype, tuple(BYTES_PER_ELEMENT))
        object.__setattr__(self, "shape", shape)
        object.__setattr__(self, "dtype", dtype)

    @classmethod
    def of(cls, shape: tuple[int | None, ...], dtype: str) -> Input:
        """What comes into a model from elsewhere, which may be a single number for each sample."""
        made = cls.__new__(cls)
        object.__setattr__(made, "shape", shape)
        object.__setattr__(made, "dtype", dtype)
        return made

    def __repr__(self) -> str:
        dtype = f", dtype={self.dtype!r}" if self.dtype != "float32" else ""
        return f"Input({', '.join(map(repr, self.shape))}{dtype})"

    def resized_input(self, shape: tuple[int | None, ...]) -> Input:
        if len(shape) == 2 and len(self.shape) == 3:
            shape = (*shape, self.shape[-1])
        if len(shape) != len(self.shape):
            given = "×".join(map(str, shape))
            raise ShapeError(f"an input of {len(self.shape)} axes cannot become {given}, which has {len(shape)}")
        return Input(*shape, dtype=self.dtype)

    def lower(self, builder: Builder, value: int | None) -> int:
        if value is not None:
            raise DesignError("an Input stands only at the beginning").at(builder.name(self.label))
        position = builder.add(self)
        builder.nodes[position] = replace(builder.nodes[position], dtype=self.dtype)
        return position

    def output(self, *inputs: Shape) -> Shape:
        return self.shape

    def window(self, *inputs: Shape) -> Window | None:
        return POINTWISE

    def kept(self, inputs: tuple[Shape, ...], output: Shape) -> Kept:
        return Kept()

    def keras(self, *inputs: Shape) -> KerasLayer:
        return KerasLayer("Input", {"shape": self.shape, "dtype": self.dtype})
