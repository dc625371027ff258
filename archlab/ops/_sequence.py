"""Sequences: looking words up, recurrent layers, attention. The axis before the channels is time."""

from __future__ import annotations

from dataclasses import dataclass

from archlab.errors import ShapeError
from archlab.graph import Shape, elements, format_shape
from archlab.ops._base import FREE, Cost, Kept, KerasLayer, Op, Weight, channels, weight, whole
from archlab.ops._window import Window
from archlab.units import ACTIVATION_FLOPS, BIAS_FLOPS, FLOPS_PER_MAC


@dataclass(frozen=True, repr=False)
class Embedding(Op):
    """A learned vector for each of so many whole numbers. Looking it up is no arithmetic."""

    family = "sequence"
    vocabulary: int
    width: int

    def __post_init__(self) -> None:
        whole("vocabulary", self.vocabulary)
        whole("width", self.width)

    def output(self, *inputs: Shape) -> Shape:
        return (*inputs[0], self.width)

    def weights(self, *inputs: Shape) -> tuple[Weight, ...]:
        return (weight("embeddings", (self.vocabulary, self.width)),)

    def cost(self, inputs: tuple[Shape, ...], output: Shape) -> Cost:
        return FREE

    def window(self, *inputs: Shape) -> Window:
        return "pointwise"

    def kept(self, inputs: tuple[Shape, ...], output: Shape) -> Kept:
        return Kept(inputs=True)

    def keras(self, *inputs: Shape) -> KerasLayer:
        return KerasLayer("Embedding", {"input_dim": self.vocabulary, "output_dim": self.width})


class _Recurrent(Op, abstract=True):
    """Gates that read what comes in and what came out before, step after step."""

    family = "sequence"
    units: int
    sequences: bool
    bias: bool
    gates_each: int
    elementwise: int

    def __post_init__(self) -> None:
        whole("units", self.units)

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
        return Cost(macs, FLOPS_PER_MAC * macs + steps * (biases + self.elementwise * self.units))

    def window(self, *inputs: Shape) -> Window:
        return "whole"

    def kept(self, inputs: tuple[Shape, ...], output: Shape) -> Kept:
        # What came in, and for every step the gates and the state.
        return Kept(inputs=True, extra=(inputs[0][0] or 0) * (self.gates_each + 1) * self.units)

    def keras(self, *inputs: Shape) -> KerasLayer:
        arguments = {"units": self.units, "return_sequences": self.sequences, "use_bias": self.bias}
        return KerasLayer(type(self).__name__, arguments)


@dataclass(frozen=True, repr=False)
class LSTM(_Recurrent):
    """Long short-term memory (Hochreiter & Schmidhuber 1997), with Keras's default activations."""

    units: int
    sequences: bool = False
    bias: bool = True
    gates_each = 4
    # Three sigmoids and two tanh, three products and a sum; each gate adds its two halves.
    elementwise = 3 * ACTIVATION_FLOPS["sigmoid"] + 2 * ACTIVATION_FLOPS["tanh"] + 4 + 4


@dataclass(frozen=True, repr=False)
class GRU(_Recurrent):
    """Gated recurrent units (Cho et al. 2014), the reset gate behind the product, as Keras has it by default."""

    units: int
    sequences: bool = False
    bias: bool = True
    gates_each = 3
    # Two sigmoids and a tanh, three products, a sum and a difference; each gate adds its two halves.
    elementwise = 2 * ACTIVATION_FLOPS["sigmoid"] + ACTIVATION_FLOPS["tanh"] + 5 + 3

    def bias_shape(self) -> tuple[int, ...]:
        return (2, self.gates_each * self.units)


@dataclass(frozen=True, repr=False)
class MultiHeadAttention(Op):
    """Attention (Vaswani et al. 2017, section 3.2): of queries and values, and keys where they are not the values."""

    family = "sequence"
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
        return "whole"

    def kept(self, inputs: tuple[Shape, ...], output: Shape) -> Kept:
        asks, reads = inputs[0][0] or 0, inputs[1][0] or 0
        heads = sum((inputs[source][0] or 0) * self.heads * width for _, width, source in self._widths(inputs))
        return Kept(inputs=True, extra=heads + self.heads * asks * (reads + self.value_width))


@dataclass(frozen=True, repr=False)
class Output(Op, abstract=True):
    """Another output of the layer before: a state, the scores of an attention. Counted with that layer."""

    family = "shape"
    shape: Shape
    free = True
    view = "always"

    def output(self, *inputs: Shape) -> Shape:
        return self.shape

    def window(self, *inputs: Shape) -> Window:
        return "whole"

    def kept(self, inputs: tuple[Shape, ...], output: Shape) -> Kept:
        return Kept()
