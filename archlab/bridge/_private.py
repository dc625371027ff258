"""Keras's private surface, all of it that archlab uses: one function each, tried with Keras 3.13 to 3.15.

Keras gives no public way to a layer's calls, to the graph inside a functional model, or to a compiled loss's weights.
What is missing in some version is named in one line, with that version; nothing goes on with a guess.
"""

from __future__ import annotations

import io
import random
import sys
from collections import defaultdict
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from copy import copy
from functools import partial
from importlib import import_module
from typing import NamedTuple

from archlab.bridge.types import Config, Function, Layer, LossFunction, Model, Tensor, Untyped, Variable
from archlab.errors import MissingPartError

_MOST_CALLS = 120_000


def _lacking(what: str, purpose: str) -> MissingPartError:
    import keras

    return MissingPartError(
        f"Keras {keras.__version__} has no {what}, which {purpose} needs: archlab was tried with Keras 3.13 to 3.15"
    )


def _of(owner: object, name: str, purpose: str) -> Untyped:
    if not hasattr(owner, name):
        raise _lacking(f"{type(owner).__name__}.{name}", purpose)
    return getattr(owner, name)


def _from(module: str, name: str, purpose: str) -> Untyped:
    """A name of `keras.src`, which no public module exports."""
    try:
        return getattr(import_module(module), name)
    except (ImportError, AttributeError):
        raise _lacking(f"{module}.{name}", purpose) from None


def all_layers(model: Model) -> Sequence[Layer]:
    """Every layer of a model, those inside other layers too; `model.layers` has the outermost alone."""
    return list(_of(model, "_flatten_layers", "finding layers within layers")(include_self=False))


def sublayers(operation: object) -> Sequence[Layer]:
    """A layer and all layers within it; nothing of an operation that is no layer."""
    import keras

    if not isinstance(operation, keras.layers.Layer):
        return ()
    return list(_of(operation, "_flatten_layers", "finding layers within layers")())


def own_variables(layer: Layer) -> list[Variable]:
    """The variables that a layer holds itself, those of layers within it left out, in the order of their making."""
    purpose = "telling a layer's own variables"
    return [*_of(layer, "_trainable_variables", purpose), *_of(layer, "_non_trainable_variables", purpose)]


def weights_file(model: Model) -> bytes:
    """What `model.save_weights` writes, made in memory: HDF5 ends the process where it meets a full disk."""
    purpose = "saving weights"
    content = io.BytesIO()
    store = _from("keras.src.saving.saving_lib", "H5IOStore", purpose)(content, mode="w")
    save = _from("keras.src.saving.saving_lib", "_save_state", purpose)
    save(model, weights_store=store, assets_store=None, inner_path="", visited_saveables=set())
    store.close()
    return content.getvalue()


def waiting_initializer(variable: Variable) -> Function:
    """The initializer that a variable without a value waits for."""
    return _of(variable, "_initializer", "drawing a variable anew")


def latest_call(layer: object) -> Untyped:
    """The node of a layer's latest call on symbolic tensors: its arguments and what came out."""
    return _of(layer, "_inbound_nodes", "reading how a layer was called")[-1]


def maker(tensor: object) -> Untyped:
    """The operation that a symbolic tensor came out of; None where it came out of none."""
    history = getattr(tensor, "_keras_history", None)
    return history.operation if history is not None else None


class Product(NamedTuple):
    """A call of one of Keras's own functions that multiply and add up, by its name."""

    function: str
    args: Sequence[Untyped]
    kwargs: Config


class Products:
    """Products of tensors that are no symbols, such as rotary angles: Keras computes them and keeps no note."""

    def __init__(self) -> None:
        self._noted: list[Product | Variable] | None = None

    @contextmanager
    def noted_in(self, noted: list[Product | Variable] | None) -> Generator[None]:
        """Append the products in here to a list, and the variables whose values are asked for; None: to none."""
        before, self._noted = self._noted, noted
        try:
            yield
        finally:
            self._noted = before

    def note(self, noted: Product | Variable) -> None:
        """Append it to the list, if there is one."""
        if self._noted is not None:
            self._noted.append(noted)

    @contextmanager
    def seen(self) -> Generator[None]:
        """Let Keras's functions tell what they are called with."""
        purpose = "counting products of constants"
        modules = [(_from("keras.src.backend", each, purpose), names) for each, names in _PRODUCTS.items()]
        functions = [(module, name, name) for module, names in modules for name in names]
        operators = [(kind, each, "matmul") for kind in _kinds_of_tensors() for each in _MATMUL if each in vars(kind)]

        def telling(name: str, plain: Function) -> Function:
            def product(*args: Untyped, **kwargs: Untyped) -> Untyped:
                self.note(Product(name, args, kwargs))
                for each in _variables_in((args, kwargs)):
                    self.note(each)
                with self.noted_in(None):  # what it calls itself
                    return plain(*args, **kwargs)

            return product

        with _replaced(
            (owner, name, telling(function, _of(owner, name, purpose)))
            for owner, name, function in (*functions, *operators)
        ):
            yield


def _variables_in(values: object) -> list[Variable]:
    import keras

    return [each for each in keras.tree.flatten(values) if isinstance(each, keras.Variable)]


def _reading(products: Products) -> type:
    """The class of a scope that notes whose values are asked for: what is computed with them is not in a graph."""
    import keras

    class ReadingScope(keras.StatelessScope):
        def get_current_value(self, variable: Variable) -> Tensor:
            products.note(variable)
            return super().get_current_value(variable)

    return ReadingScope


_PRODUCTS = {
    "numpy": ("matmul", "dot", "einsum", "tensordot", "inner", "vdot"),
    "nn": ("conv", "depthwise_conv", "separable_conv", "conv_transpose", "dot_product_attention"),
}
"""Functions that multiply and add up, by the part of the backend that Keras looks them up in."""
_MATMUL = ("__matmul__", "__rmatmul__")


def _kinds_of_tensors() -> Sequence[type]:
    """The classes of the backend's own tensors."""
    import keras

    return type(keras.ops.convert_to_tensor(0.0)).__mro__


_Replacement = tuple[object, str, object]
"""An owner, the name of an attribute of it, another value."""


@contextmanager
def _replaced(attributes: Iterable[_Replacement]) -> Generator[None]:
    """Let owners have other values of their attributes in here."""
    values = list(attributes)
    before = [(owner, name, getattr(owner, name)) for owner, name, _ in values]
    try:
        for owner, name, value in values:
            setattr(owner, name, value)
        yield
    finally:
        for owner, name, value in before:
            setattr(owner, name, value)


@contextmanager
def traced(model: Model) -> Generator[Products]:
    """What layers note of being called in here is forgotten, and so are values that they assign."""
    layers = all_layers(model)
    notes = [(layer, name, len(getattr(layer, name, ()))) for layer in layers for name in _NOTES]
    products = Products()
    try:
        # Where nothing runs, as while a file's description is put together, there is no state to change.
        state = same_random_state() if runs_at_once() else nullcontext()
        scope = _reading(products)(initialize_variables=False)
        others = (*_variables_before_symbols(), *_noting(), *_specs_by_call(products))
        with state, scope, products.seen(), _replaced(others):
            yield products
    finally:
        for layer, name, length in notes:
            del getattr(layer, name, [])[length:]


def spec_of(operation: object, args: Sequence[object], kwargs: Config) -> Untyped:
    """What an operation makes of symbolic tensors: as it says, or where it fails to, as its `call` does."""
    try:
        return _of(operation, "compute_output_spec", "telling shapes")(*args, **kwargs)
    except Exception:  # somebody's layer may raise anything
        return spec_by_call(operation, *args, **kwargs)


def spec_by_call(operation: Untyped, *args: object, **kwargs: object) -> Untyped:
    """What an operation's `call` makes of symbolic tensors."""
    return backend_spec(operation.call, *args, **kwargs)


def backend_spec(function: Function, *args: object, **kwargs: object) -> Untyped:
    """What a function of the backend's tensors makes of symbolic ones."""
    return _from("keras.src.backend", "compute_output_spec", "telling shapes")(function, *args, **kwargs)


def auto_name(name: str) -> str:
    """A name that no operation has had yet."""
    return _from("keras.src.utils.naming", "auto_name", "naming operations")(name)


def _specs_by_call(products: Products) -> Iterable[_Replacement]:
    """An operation that does not say what it makes of symbolic tensors, or leaves sizes open, is asked by calling it.

    A layer that adds arguments to the `call` of one which says so has the other's answer, which does not take them;
    Keras knows no capital letters in an Einstein sum; and it loses the sizes of what a layer computes with constants.
    """
    purpose = "tracing what a layer calls"
    layer = _layer()
    kinds = [_from("keras.src.ops.operation", "Operation", purpose), layer]

    def asking(plain: Function) -> Function:
        def symbolic_call(self: Layer, *args: object, **kwargs: object) -> Tensor:
            if type(self).__name__ == "Ndim" and is_of_keras_ops(type(self)):
                return len(tensors_in((args, kwargs))[0].shape)  # known, so that code may branch over it

            def asked(spec: Function) -> Tensor:
                vars(self)["compute_output_spec"] = partial(spec, self)
                try:
                    return plain(self, *args, **kwargs)
                finally:
                    vars(self).pop("compute_output_spec", None)

            with products.noted_in(None):  # they are counted where the layer is looked into
                if isinstance(self, layer) and _says_of_another_call(type(self)):
                    with suppress(Exception):
                        return asked(_spec_on_symbols)
                try:
                    made = plain(self, *args, **kwargs)
                except Exception as error:  # somebody's layer may raise anything
                    with suppress(Exception):
                        return asked(spec_by_call)
                    raise error from None
                if _open_sizes(made) > _open_sizes((args, kwargs)):
                    with suppress(Exception):  # the first answer stands
                        return asked(_spec_on_symbols if isinstance(self, layer) else spec_by_call)
                return made

        return symbolic_call

    return [(kind, "symbolic_call", asking(kind.symbolic_call)) for kind in kinds]


def _says_of_another_call(kind: type) -> bool:
    """Whether a layer has a `call` of its own, and says what that makes by a method that belongs to another's."""

    def place(name: str) -> int:
        return next((at for at, each in enumerate(kind.__mro__) if name in vars(each)), len(kind.__mro__))

    called, said = place("call"), min(place("compute_output_spec"), place("compute_output_shape"))
    owner = kind.__mro__[called]
    return called < said and not owner.__module__.startswith("keras.src.") and said < kind.__mro__.index(_layer())


def _layer() -> type:
    return _from("keras.src.layers.layer", "Layer", "tracing what a layer calls")


def _open_sizes(tensors: object) -> int:
    """The most sizes that one of several symbolic tensors leaves open."""
    import keras

    found = [each for each in keras.tree.flatten(tensors) if isinstance(each, keras.KerasTensor)]
    return max((tuple(each.shape).count(None) for each in found), default=0)


def _spec_on_symbols(layer: Layer, *args: object, **kwargs: object) -> Untyped:
    """What a layer's `call` makes of symbolic tensors, each of its calls asked for what that makes."""
    import keras

    with same_names():
        made = layer.call(*args, **kwargs)
    return keras.tree.map_structure(lambda each: keras.KerasTensor(each.shape, each.dtype), made)


def _noting() -> Iterable[_Replacement]:
    """Keras notes calls of layers that make None beside their tensors, or add a loss that is a symbol.

    None stands for what nobody asked for, such as scores; losses of layers are no part of a graph.
    """
    purpose = "tracing what a layer calls"
    node, layer = _from("keras.src.ops.node", "Node", purpose), _layer()
    plain = node.__init__

    def noting(
        self: Layer, operation: Layer, call_args: Tensor = None, call_kwargs: Tensor = None, outputs: Tensor = None
    ) -> None:
        plain(self, operation, call_args, call_kwargs, tensors_in(outputs))

    return [(node, "__init__", noting), (layer, "add_loss", lambda layer, loss: None)]


def tensors_in(made: object) -> list[Tensor]:
    """What a call makes, one tensor after the other, without what is None."""
    import keras

    return [each for each in keras.tree.flatten(made) if each is not None]


def _variables_before_symbols() -> Iterable[_Replacement]:
    """`variable * tensor` with a symbolic tensor is a call of `keras.ops`, as `tensor * variable` is."""
    import keras

    functions = {"add": "add", "sub": "subtract", "mul": "multiply", "truediv": "true_divide", "matmul": "matmul",
                 "pow": "power"}  # fmt: skip
    kinds = [kind for kind in keras.Variable.__mro__ if "__mul__" in vars(kind) and "keras" in kind.__module__]

    def meeting(plain: Function, function: Function) -> Function:
        def operator(self: Variable, other: Tensor) -> Tensor:
            return function(self, other) if isinstance(other, keras.KerasTensor) else plain(self, other)

        return operator

    return [
        (kind, f"__{name}__", meeting(vars(kind)[f"__{name}__"], getattr(keras.ops, function)))
        for kind in kinds
        for name, function in functions.items()
        if f"__{name}__" in vars(kind)
    ]


class _Mode(int):
    """In training, as it stands for the mode of whoever will run what is traced: no layer asks for it by itself."""


MODE = _Mode(True)


@contextmanager
def in_any_mode(layer: Layer) -> Generator[None]:
    """What is called in here notes `MODE` as its mode, unless the code that calls it asks for another."""
    purpose = "tracing what a layer calls"
    context = _from("keras.src.layers.layer", "CallContext", purpose)(entry_layer=layer)
    context.set_value("training", MODE)
    with _for_a_while("current_call_ctx", lambda outer: context, purpose):
        yield


@contextmanager
def _for_a_while(name: str, value: Callable[[Untyped], object], purpose: str) -> Generator[None]:
    """Have Keras's global state hold another value of an attribute, made of the one it holds, and put that back."""
    read = _from("keras.src.backend.common.global_state", "get_global_attribute", purpose)
    write = _from("keras.src.backend.common.global_state", "set_global_attribute", purpose)
    before = read(name)
    write(name, value(before))
    try:
        yield
    finally:
        write(name, before)


@contextmanager
def deep_graphs() -> Generator[None]:
    """Keras follows a model's layers from the last to the first by calls within calls, one a layer.

    Python ends them at a thousand by default: in here, where there are as many layers as archlab takes.
    """
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(max(before, _MOST_CALLS))
    try:
        yield
    finally:
        sys.setrecursionlimit(before)


def fresh_names() -> AbstractContextManager[None]:
    """Names that Keras makes up in here begin at the beginning, and those that it makes up later take no notice."""
    return _for_a_while("object_name_uids", lambda before: defaultdict(int), "naming what a layer calls")


def same_names() -> AbstractContextManager[None]:
    """Number layers afterwards as if none had been made inside."""
    return _for_a_while("object_name_uids", copy, "leaving the names of later layers as they are")


def runs_at_once() -> bool:
    """Whether what is called is computed, and not only written into a TensorFlow graph."""
    import keras

    if keras.backend.backend() != "tensorflow":
        return True
    import tensorflow as tf

    return tf.executing_eagerly()


def is_of_keras_ops(kind: type) -> bool:
    """Whether it is the class of an operation that calls of `keras.ops` or of activations leave in a graph."""
    return kind.__module__.startswith(("keras.src.ops.", "keras.src.activations."))


def is_of_a_library(function: object) -> bool:
    """Whether a function is one of Keras's or TensorFlow's own, so that its name says what it computes."""
    module = str(getattr(function, "__module__", ""))
    return module.startswith(("tensorflow.python.ops.", "keras.src.ops.", "keras.src.activations."))


_NOTES = ("_inbound_nodes", "_outbound_nodes", "_losses")


def functional(model: Model) -> Untyped:
    """The functional graph inside a model; None where Keras keeps none: of a subclassed model, or one not built yet."""
    import keras

    if isinstance(model, keras.Sequential):
        return _of(model, "_functional", "reading a sequential model")
    kind = _from("keras.src.models.functional", "Functional", "telling functional models from subclassed ones")
    return model if isinstance(model, kind) else None


def has_functional_call(model: Model) -> bool:
    """Whether a functional model is called as its graph says, and not by code of its own."""
    kind = _from("keras.src.models.functional", "Functional", "telling functional models from subclassed ones")
    return type(model).call is kind.call


def calls(graph: object) -> Iterator[Untyped]:
    """The calls of a functional graph, inputs first, as Keras runs them."""
    by_depth: Mapping[int, Sequence[object]] = _of(graph, "_nodes_by_depth", "reading a model's graph")
    for depth in sorted(by_depth, reverse=True):
        yield from by_depth[depth]


def in_mode(operation: object, training: bool) -> Callable[..., Untyped]:
    """An operation to be called as a functional model calls it, as in training or as at inference.

    Keras hands the mode down to every layer, whether or not its `call` names it: layers inside find it in the context
    of the call. What a call in the graph asks for itself is resolved by the same function of Keras's as in `fit`.
    """
    call = _from("keras.src.models.functional", "operation_fn", "running layers as in training or as at inference")
    return call(operation, training=training)


def mask_of(tensor: Tensor) -> Tensor:
    """Which places of a tensor count, as layers such as `Embedding(mask_zero=True)` note it; None: all of them."""
    return _from("keras.src.backend", "get_keras_mask", "leaving masked places out of a loss")(tensor)


def masked(tensor: Tensor, mask: Tensor) -> Tensor:
    """The tensor with a note of which of its places count."""
    if mask is not None:
        _from("keras.src.backend", "set_keras_mask", "leaving masked places out of a loss")(tensor, mask)
    return tensor


def as_compiled(function: LossFunction) -> LossFunction:
    """A loss as `compile` takes it: a function becomes a loss that leaves out masked places."""
    import keras

    if isinstance(function, keras.losses.Loss):
        return function
    return _from("keras.src.losses.losses", "LossFunctionWrapper", "leaving masked places out of a loss")(function)


def loss_weights(model: object) -> Untyped:
    """The weights of a compiled model's losses, as `compile` was given them; None where there are none."""
    compiled = _of(model, "_compile_loss", "reading a compiled loss")
    return None if compiled is None else _of(compiled, "_user_loss_weights", "reading the weights of losses")


@contextmanager
def same_random_state(seed: int | None = None) -> Generator[None]:
    """Put all random state back afterwards: of Python, which seeds initializers, of NumPy, and of Keras's generator.

    With a seed, all three begin with it inside.
    """
    import numpy as np  # this module is read without Keras, which loads it

    purpose = "leaving random state as it is"
    name = _from("keras.src.random.seed_generator", "GLOBAL_SEED_GENERATOR", purpose)
    find = _from("keras.src.random.seed_generator", "global_seed_generator", purpose)
    read = _from("keras.src.backend.common.global_state", "get_global_attribute", purpose)
    write = _from("keras.src.backend.common.global_state", "set_global_attribute", purpose)
    python, arrays = random.getstate(), np.random.get_state()
    # Keras makes its generator on first use, with a seed of Python's.
    before = read(name)
    generator = find()
    state = generator.state.numpy()
    if seed is not None:
        random.seed(seed)
        np.random.seed(seed % 2**32)
        generator.state.assign((seed % 2**32, 0))
    try:
        yield
    finally:
        random.setstate(python)
        np.random.set_state(arrays)
        generator.state.assign(state)
        write(name, before)


@contextmanager
def forgotten_variables() -> Generator[None]:
    """Forget afterwards which variables wait for values, so that the next model does not fill them.

    Inside, objects that a config names several times are made once.
    """
    purpose = "reading a model without making its weights"
    read = _from("keras.src.backend.common.global_state", "get_global_attribute", purpose)
    write = _from("keras.src.backend.common.global_state", "set_global_attribute", purpose)
    sharing = _from("keras.src.saving.serialization_lib", "ObjectSharingScope", purpose)
    waiting = list(read("uninitialized_variables") or ())
    try:
        with sharing():
            yield
    finally:
        write("uninitialized_variables", waiting)


@contextmanager
def remade(layers: Iterable[Layer]) -> Generator[None]:
    """Let layers of a live model be made from their configurations: their classes and functions are the caller's own.

    A name that stands for two things in them is left out.
    """
    import keras

    unsafe = _from("keras.src.saving.serialization_lib", "SafeModeScope", "making layers again")
    found: Config = {}
    for layer in layers:
        for value in (type(layer), *vars(layer).values()):
            own = value if hasattr(value, "__name__") else type(value)
            if callable(value) and found.setdefault(own.__name__, own) is not own:
                found[own.__name__] = None
    with unsafe(False), keras.saving.custom_object_scope({name: own for name, own in found.items() if own}):
        yield


def named_layer(path: str) -> Layer | None:
    """The class of a layer: a name of `keras.layers`, or the full path of any other. None: there is none."""
    import keras

    module, _, name = path.rpartition(".")
    if module.startswith("keras.src."):
        return _from(module, name, "building this architecture")
    try:
        return getattr(import_module(module) if module else keras.layers, name)
    except (ImportError, AttributeError):
        return None


def application_layers() -> tuple[type, type]:
    """The layers `LayerScale` and `CustomScaleLayer` that models of `keras.applications` bring with them."""
    purpose = "reading models of keras.applications"
    return (
        _from("keras.src.applications.convnext", "LayerScale", purpose),
        _from("keras.src.applications.inception_resnet_v2", "CustomScaleLayer", purpose),
    )


def attention_settings(layer: object) -> tuple[Tensor, Tensor, bool]:
    """Of a multi-head attention its output shape, its attention axes and whether it has biases."""
    purpose = "reading attention layers"
    return (
        _of(layer, "_output_shape", purpose),
        _of(layer, "_attention_axes", purpose),
        bool(_of(layer, "_use_bias", purpose)),
    )


def overridable(kind: type, *names: str) -> type:
    """A class, having made sure that methods which a subclass overrides are there: else it would go unheard.

    >>> overridable(dict, "keys", "items").__name__
    'dict'
    """
    for name in names:
        if not hasattr(kind, name):
            raise _lacking(f"{kind.__name__}.{name}", f"archlab's {kind.__name__}")
    return kind
