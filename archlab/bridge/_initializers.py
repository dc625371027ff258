"""How the variables of a live model are initialized, and values drawn anew: the model itself stays as it is."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import nullcontext

from archlab.bridge._private import (
    forgotten_variables,
    own_variables,
    remade,
    same_names,
    same_random_state,
    sublayers,
    waiting_initializer,
)
from archlab.bridge._runtime import load_keras
from archlab.bridge.types import Function, Layer, Tensor, Untyped, Variable

Initializer = Callable[..., Untyped]


def initializers(operations: Iterable[Layer]) -> Mapping[int, Initializer]:
    """The initializer of every variable of these layers and of all layers within them, by the variable's `id`.

    Keras forgets an initializer once it has drawn. Each layer is therefore made again from its configuration and built
    for the same shapes, in a scope in which variables wait for values: nothing is computed or allocated. A layer that
    cannot be made again is asked for its attributes, such as `kernel_initializer`; a variable that this does not find
    is missing from the result. What a layer was adapted to (`Normalization`) is data, and is missing as well.
    """
    _, keras = load_keras()
    layers = {id(layer): layer for operation in operations for layer in sublayers(operation)}
    found: dict[int, Initializer] = {}
    with (
        same_random_state(),
        same_names(),
        forgotten_variables(),
        warnings.catch_warnings(),
        keras.StatelessScope(initialize_variables=False),
    ):
        # What Keras warns of was said when the layer was first made.
        warnings.simplefilter("ignore")
        for layer in layers.values():
            own = [] if hasattr(layer, "adapt") else own_variables(layer)
            for variable, initializer in zip(own, _of_layer(layer, own), strict=True):
                if initializer is not None:
                    found.setdefault(id(variable), initializer)
    return found


def _of_layer(layer: Layer, own: Sequence[Variable]) -> list[Initializer | None]:
    if not own:
        return []
    named = [_named(layer, variable) for variable in own]
    try:
        with remade(sublayers(layer)):
            again = type(layer).from_config(layer.get_config())
            again.build_from_config(layer.get_build_config())
        made = own_variables(again)
    # A class of the user's may raise anything.
    except Exception:
        return named
    if [tuple(variable.shape) for variable in made] != [tuple(variable.shape) for variable in own]:
        return named
    found = [waiting_initializer(variable) for variable in made]
    # A lambda that has been written down and read knows nothing of what stands around it.
    return [
        original if getattr(original, "__name__", "") == "<lambda>" else copy
        for original, copy in zip(named, found, strict=True)
    ]


def _named(layer: Layer, variable: Variable) -> Initializer | None:
    """The attribute that Keras's own layers keep an initializer in: `kernel_initializer`, `depthwise_initializer`."""
    name = f"{variable.name}_initializer"
    return getattr(layer, name, None) or getattr(layer, name.replace("_kernel_", "_"), None)


def drawn(initializer: Function, variable: Variable, seed: int) -> Tensor:
    """A value for a variable, the same for the same seed, whatever seed the initializer itself has."""
    _, keras = load_keras()
    # A function draws from whatever it likes, and an initializer of the user's may have no seed to set.
    own = getattr(keras.initializers, type(initializer).__name__, None) is type(initializer)
    with nullcontext() if own else same_random_state(seed):
        if isinstance(initializer, keras.initializers.Initializer):
            config = initializer.get_config()
            if "seed" in config:
                initializer = type(initializer).from_config(config | {"seed": seed})
        return initializer(tuple(variable.shape), dtype=variable.dtype)
