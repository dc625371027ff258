"""Sequences: looking words up, recurrent layers, attention. The axis before the channels is time."""

from __future__ import annotations

from dataclasses import dataclass

from archlab.arguments import switch, whole
from archlab.errors import ShapeError
from archlab.graph import Shape, elements, format_shape
from archlab.ops._activation import activation_name
from archlab.ops._base import FREE, Cost, Kept, KerasLayer, Op, Weight, channels, weight
from archlab.ops._window import POINTWISE, WHOLE, Window
from archlab.signals import Passed, Signal, selected
from archlab.units import ACTIVATION_FLOPS, BIAS_FLOPS, FLOPS_PER_MAC


@dataclass(frozen=True, repr=False)
class Embedding(Op):
    """A learned vector for each of so many whole numbers. Looking it up is no arithmetic."""

    family = "sequence"
    vocabulary: int
    width: int
    mask_zero: bool = False
    """Whether 0 stands for nothing: what follows is told to leave it out."""

    def __post_init__(self) -> None:
        whole("vocabulary", self.vocabulary)
        whole("width", self.width)
        switch("mask_zero", self.mask_zero)

    @property
    def vocabulary_size(self) -> int | None:
        return self.vocabulary

    def output(self, *inputs: Shape) -> Shape:
        return (*inputs[0], self.width)

    def weights(self, *inputs: Shape) -> tuple[Weight, ...]:
        return (weight("embeddings", (self.vocabulary, self.width)),)

    def cost(self, inputs: tuple[Shape, ...], output: Shape) -> Cost:
        return FREE

    def window(self, *inputs: Shape) -> Window | None:
        # Of several axes of words the last one, which was that of the channels, becomes one of places.
        return POINTWISE if len(inputs[0]) == 1 else None

    def kept(self, inputs: tuple[Shape, ...], output: Shape) -> Kept:
        return Kept(inputs=True)

    def keras(self, *inputs: Shape) -> KerasLayer:
        return KerasLayer(
            "Embedding", {"input_dim": self.vocabulary, "output_dim": self.width, "mask_zero": self.mask_zero}
        )


class _Recurrent(Op, abstract=True):
    """Gates that read what comes in and what came out before, step after step."""

    family = "sequence"
    affine = False
    units: int
    sequences: bool
    bias: bool
    activation: str
    gates_each: int

    def __post_init__(self) -> None:
        whole("units", self.units)
        activation_name(self.activation)

    def elementwise(self) -> int:
        """Operations of a unit in a step besides the products with its kernels."""
        raise NotImplementedError

    def output(self, *inputs: Shape) -> Shape:
        if len(inputs[0]) != 2:
            raise ShapeError(f"{type(self).__name__} needs (time, channels), got {format_shape(inputs[0])}")
        channels(inputs[0])
        return (inputs[0][0], self.units) if self.sequences else (self.units,)

    def bias_shape(self) -> tuple[int, ...]:
        """The shape of the biases of all gates."""
        return (self.gates_each * self.units,)

    def weights(self, *inputs: Shape) -> tuple[Weight, ...]:
        wide = self.gates_each * self.units
        kernels = weight("kernel", (channels(inputs[0]), wide)), weight("recurrent_kernel", (self.units, wide))
        return (*kernels, weight("bias", self.bias_shape(), "bias")) if self.bias else kernels

    def cost(self, inputs: tuple[Shape, ...], output: Shape) -> Cost:
        steps = inputs[0][0] or 0
        macs = steps * self.gates_each * self.units * (channels(inputs[0]) + self.units)
        biases = BIAS_FLOPS * elements(self.bias_shape()) if self.bias else 0
        return Cost(macs, FLOPS_PER_MAC * macs + steps * (biases + self.elementwise() * self.units))

    def window(self, *inputs: Shape) -> Window:
        return WHOLE

    def kept(self, inputs: tuple[Shape, ...], output: Shape) -> Kept:
        # What came in, and for every step the gates and the state.
        return Kept(inputs=True, extra=(inputs[0][0] or 0) * (self.gates_each + 1) * self.units)

    def keras(self, *inputs: Shape) -> KerasLayer | None:
        if len(inputs) > 1:
            return None  # a state that comes in has no place among a layer's arguments
        arguments = {"units": self.units, "return_sequences": self.sequences, "use_bias": self.bias}
        return KerasLayer(type(self).__name__, arguments | {"activation": self.activation})


@dataclass(frozen=True, repr=False)
class LSTM(_Recurrent):
    """Long short-term memory (Hochreiter & Schmidhuber 1997)."""

    units: int
    sequences: bool = False
    bias: bool = True
    activation: str = "tanh"
    recurrent_activation: str = "sigmoid"
    gates_each = 4

    def elementwise(self) -> int:
        # Three gates and two activations, three products and a sum; each gate adds its two halves.
        return 3 * ACTIVATION_FLOPS[self.recurrent_activation] + 2 * ACTIVATION_FLOPS[self.activation] + 4 + 4

    def keras(self, *inputs: Shape) -> KerasLayer | None:
        return _gated(super().keras(*inputs), self.recurrent_activation)


@dataclass(frozen=True, repr=False)
class GRU(_Recurrent):
    """Gated recurrent units (Cho et al. 2014), the reset gate behind the product, as Keras has it by default."""

    units: int
    sequences: bool = False
    bias: bool = True
    activation: str = "tanh"
    recurrent_activation: str = "sigmoid"
    gates_each = 3

    def elementwise(self) -> int:
        # Two gates and an activation, three products, a sum and a difference; each gate adds its two halves.
        return 2 * ACTIVATION_FLOPS[self.recurrent_activation] + ACTIVATION_FLOPS[self.activation] + 5 + 3

    def keras(self, *inputs: Shape) -> KerasLayer | None:
        return _gated(super().keras(*inputs), self.recurrent_activation)

    def bias_shape(self) -> tuple[int, ...]:
        return (2, self.gates_each * self.units)


def _gated(layer: KerasLayer | None, activation: str) -> KerasLayer | None:
    return layer and layer._replace(arguments=layer.arguments | {"recurrent_activation": activation})


@dataclass(frozen=True, repr=False)
class SimpleRNN(_Recurrent):
    """A recurrent layer without gates (Elman 1990): the activation of what comes in and what came out before."""

    units: int
    sequences: bool = False
    bias: bool = True
    activation: str = "tanh"
    gates_each = 1

    def kept(self, inputs: tuple[Shape, ...], output: Shape) -> Kept:
        # What came in, and the state of every step: the derivative of its activation is a function of it.
        return Kept(inputs=True, extra=(inputs[0][0] or 0) * self.units)

    def elementwise(self) -> int:
        # The activation, and the sum of its two halves.
        return ACTIVATION_FLOPS[self.activation] + 1


@dataclass(frozen=True, repr=False)
class MultiHeadAttention(Op):
    """Attention (Vaswani et al. 2017, section 3.2): of queries and values, and keys where they are not the values."""

    family = "sequence"
    affine = False
    heads: int
    key_width: int
    value_width: int
    bias: bool = True
    arity = None

    def output(self, *inputs: Shape) -> Shape:
        if len(inputs) not in (2, 3) or any(len(shape) != 2 for shape in inputs):
            raise ShapeError(f"attention needs (time, channels) twice or thrice, got {list(map(format_shape, inputs))}")
        return inputs[0]

    def _widths(self, inputs: tuple[Shape, ...]) -> tuple[tuple[int, int, int], ...]:
        """For queries, keys and values: channels in, width of a head, and the input they are made of."""
        keys = 2 if len(inputs) == 3 else 1
        key, value = self.key_width, self.value_width
        return ((channels(inputs[0]), key, 0), (channels(inputs[keys]), key, keys), (channels(inputs[1]), value, 1))

    def weights(self, *inputs: Shape) -> tuple[Weight, ...]:
        found: list[Weight] = []
        for name, (came, width, _) in zip(("query", "key", "value"), self._widths(inputs), strict=True):
            found.append(weight(f"{name}_kernel", (came, self.heads, width)))
            if self.bias:
                found.append(weight(f"{name}_bias", (self.heads, width), "bias"))
        made = channels(inputs[0])
        found.append(weight("output_kernel", (self.heads, self.value_width, made)))
        return (*found, weight("output_bias", (made,), "bias")) if self.bias else tuple(found)

    def cost(self, inputs: tuple[Shape, ...], output: Shape) -> Cost:
        asks, reads = inputs[0][0] or 0, inputs[1][0] or 0
        macs = biases = 0
        for came, width, source in self._widths(inputs):
            made = (inputs[source][0] or 0) * self.heads * width
            macs += made * came
            biases += made
        scores = self.heads * asks * reads
        macs += scores * (self.key_width + self.value_width) + asks * self.heads * self.value_width * channels(output)
        biases = biases + elements(output) if self.bias else 0
        # Equation 1 of the paper, softmax(QKᵀ/√d) V: the scores are divided.
        return Cost(macs, FLOPS_PER_MAC * macs + BIAS_FLOPS * biases + (1 + ACTIVATION_FLOPS["softmax"]) * scores)

    def window(self, *inputs: Shape) -> Window:
        return WHOLE

    def kept(self, inputs: tuple[Shape, ...], output: Shape) -> Kept:
        asks, reads = inputs[0][0] or 0, inputs[1][0] or 0
        heads = sum((inputs[source][0] or 0) * self.heads * width for _, width, source in self._widths(inputs))
        return Kept(inputs=True, extra=heads + self.heads * asks * (reads + self.value_width))


@dataclass(frozen=True, repr=False)
class Output(Op, abstract=True):
    """Another output of the layer before: a state, the scores of an attention. Counted with that layer."""

    family = "shape"
    comparable = False
    further = True
    shape: Shape
    part: bool = False
    """Whether it is other channels of the map that the layer before is some channels of."""
    free = True

    def output(self, *inputs: Shape) -> Shape:
        return self.shape

    def window(self, *inputs: Shape) -> Window:
        # The other half of a split map; a state has no places, and the scores of an attention have others.
        same = len(self.shape) > 1 and inputs[0][:-1] == self.shape[:-1]
        return POINTWISE if same else WHOLE

    def signal(self, inputs: tuple[Signal, ...], output: Shape) -> Passed | None:
        # They add to the errors of the whole by how many they are beside those that stand for it.
        return selected(inputs[0], output[-1] or 0) if self.part else None

    def kept(self, inputs: tuple[Shape, ...], output: Shape) -> Kept:
        return Kept()
