"""The loss that gradients are taken of: given, the one a model was compiled with, or one that goes with its head."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from archlab.analysis.static import head_loss
from archlab.bridge import as_compiled, described_loss, load_keras, loss_weights, mask_of
from archlab.bridge.types import LossFunction, Model, Tensor
from archlab.errors import UsageError, closest, did_you_mean
from archlab.graph import Graph

Given = str | Callable[..., Any] | Sequence[object] | Mapping[str, object] | None
"""A loss as it may be given: a name, a function or a Keras loss; for several outputs one for each."""


Names = tuple[str, ...]
"""What an input or output may be called by."""


@dataclass(frozen=True)
class Loss:
    """The mean loss over a batch: one function for each output, weighted and added. None: an output has no loss."""

    functions: tuple[LossFunction, ...]
    weights: tuple[float, ...]
    names: tuple[str, ...]
    kinds: tuple[str, ...]
    """The functions of `keras.losses` that they are, which say what labels they take."""
    outputs: tuple[Names, ...]
    inputs: tuple[Names, ...]

    @property
    def name(self) -> str:
        """What it is called; several are joined by a plus."""
        return " + ".join(dict.fromkeys(name for name in self.names if name))

    def __call__(self, labels: Sequence[Tensor], outputs: Sequence[Tensor]) -> Tensor:
        """The loss as one number."""
        tf, _ = load_keras()
        total = None
        for function, weight, label, output in zip(self.functions, self.weights, labels, outputs, strict=True):
            if function is None:
                continue
            # Without a mask the function itself, which computes in the precision of the output.
            function = function if mask_of(output) is None else as_compiled(function)
            # A mask or an index among the outputs is taken for a number, as Keras's losses do.
            output = output if output.dtype.is_floating else tf.cast(output, tf.float32)
            value = tf.reduce_mean(function(label, output))
            value = value if weight == 1 else value * tf.cast(weight, value.dtype)
            total = value if total is None else total + value
        return total


def choose(graph: Graph, given: Given, model: Model = None) -> Loss:
    """The loss that was given; without one that of a compiled model; without that the one that goes with the head.

    Raises:
        UsageError: the loss is not known, or does not fit the outputs.
    """
    _, keras = load_keras()
    count = len(graph.outputs)
    weights: Any = None
    if given is None and model is not None and getattr(model, "loss", None) is not None:
        given = model.loss
        weights = loss_weights(model)
    inputs, outputs = _names(graph, graph.inputs, model, "in"), _names(graph, graph.outputs, model, "out")
    if given is None:
        given = [head_loss(graph, number) for number in range(count)]
    each = spread(given, outputs, "loss")
    if all(loss is None for loss in each):
        raise UsageError("no output has a loss")
    functions = tuple(None if loss is None else _function(loss) for loss in each)
    asked = [None] * count if weights is None else spread(weights, outputs, "loss weight")
    factors = tuple(1.0 if factor is None else float(factor) for factor in asked)
    described = [None if loss is None else described_loss(keras, loss) for loss in each]
    return Loss(
        functions,
        factors,
        tuple(loss.name if loss else "" for loss in described),
        tuple(loss.kind if loss else "" for loss in described),
        outputs,
        inputs,
    )


def _names(graph: Graph, positions: Sequence[int], model: Model, side: str) -> tuple[Names, ...]:
    """What each input or output may be called: the key of the model's own mapping, its layer's name, its node's."""
    named = [[graph.nodes[position].name] for position in positions]
    if model is None:
        return tuple(map(tuple, named))
    structure = getattr(model, f"{side}put", None)
    if isinstance(structure, Mapping):
        tensors = {id(tensor): str(key) for key, tensor in cast("Mapping[str, object]", structure).items()}
        for names, tensor in zip(named, getattr(model, f"{side}puts"), strict=True):
            names.insert(0, tensors.get(id(tensor), names[0]))
    for names, own in zip(named, getattr(model, f"{side}put_names", ()), strict=False):
        names.append(str(own))
    return tuple(tuple(dict.fromkeys(names)) for names in named)


def _by_name(given: Mapping[str, Any], names: Sequence[Names], what: str) -> list[Any]:
    """The values of a mapping in the order of the inputs or outputs; None where there is none.

    Raises:
        UsageError: a key is the name of none of them.
    """
    known = [name for each in names for name in each]
    for name in given:
        if name not in known:
            raise UsageError(f"{what} for {name!r}: no output has that name, {did_you_mean(str(name), known)}")
    return [next((given[name] for name in each if name in given), None) for each in names]


def spread(given: Any, names: Sequence[Names], what: str) -> list[Tensor]:
    """One for each output, of one for all, a list, or a mapping by the outputs' names."""
    if isinstance(given, Mapping):
        return _by_name(cast("Mapping[str, object]", given), names, what)
    if isinstance(given, list | tuple):
        given = cast("Sequence[object]", given)
        if len(given) != len(names):
            raise UsageError(f"{len(given)} values for {what} do not match {len(names)} outputs")
        return list(given)
    return [given] * len(names)


def _function(loss: object) -> LossFunction:
    _, keras = load_keras()
    if not isinstance(loss, str):
        if not callable(loss):
            raise UsageError(f"a loss is a name, a function or a Keras loss, got {loss!r}")
        return loss
    try:
        return keras.losses.get(loss)
    except ValueError:
        known = [name for name in dir(keras.losses) if re.fullmatch(r"[a-z]+(_[a-z]+)+", name)]
        near = closest(loss, known)
        hint = f"did you mean {' or '.join(near)}?" if near else "give the name of a function in keras.losses"
        raise UsageError(f"no loss named {loss!r}: {hint}") from None
