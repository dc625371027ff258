"""The forms a layer is written in, each read back: Python, YAML, Keras code, a Keras model; and the transforms."""

from __future__ import annotations

from typing import Any

from archlab import ops
from archlab.bridge import from_keras
from archlab.bridge.types import Model
from archlab.export import to_python
from archlab.graph import Sequence
from archlab.notation import from_yaml, write_yaml
from archlab.ops import Identity, Input, Op, Opaque
from archlab.testing._outcomes import NotApplicable
from archlab.testing._subject import Subject


def representation(subject: Subject) -> str:
    """`repr` is the code that makes the layer again."""
    code = repr(subject.given)
    names = {name: getattr(ops, name) for name in dir(ops)} | {type(subject.given).__name__: type(subject.given)}
    try:
        made = eval(code, names)
    except Exception as error:
        raise AssertionError(f"repr is {code}, which does not run: {type(error).__name__}: {error}") from None
    if made != subject.given or hash(made) != hash(subject.given):
        raise AssertionError(f"repr is {code}, which makes another layer than the one it was asked of")
    return code


def transforms(subject: Subject) -> str:
    """`replace`, `without` and `with_input` give a whole architecture, and back again the one they began with."""
    op, kind = subject.given, type(subject.given)
    before = Identity() if kind is not Identity else ops.ReLU()
    tree = before >> op >> before
    for what, by in (("the layer", op), (f"the class {kind.__name__}", kind)):
        other = tree.replace(by, Sequence())
        if other != before >> before:
            raise AssertionError(f"replacing {what} by nothing leaves {other!r}, expected {before >> before!r}")
    if (found := tree.replace(kind, lambda part: part)) != tree:
        raise AssertionError(f"replacing the layer by itself gives {found!r}, expected {tree!r}")
    if (found := tree.without(kind)) != before >> before:
        raise AssertionError(f"without({kind.__name__}) leaves {found!r}, expected {before >> before!r}")
    if op.arity == 1 and not isinstance(op, Input):
        net = Input(*subject.inputs[0]) >> op
        shape = tuple(2 * size if size else None for size in subject.inputs[0][:-1])
        other = net.with_input(*shape, subject.inputs[0][-1])
        if (found := other.with_input(*subject.inputs[0])) != net:
            raise AssertionError(f"with_input there and back gives {found!r}, expected {net!r}")
    return "replace, without, with_input"


def yaml(subject: Subject) -> str:
    """Written as YAML and read back it is the same layer."""
    kind = type(subject.given)
    if Op.registry.get(kind.__name__) is not kind:
        raise NotApplicable(f"{kind.__name__} is not registered under its name (abstract=True)")
    text = write_yaml(subject.given)
    found = from_yaml(text)
    if found != subject.given or repr(found) != repr(subject.given):
        raise AssertionError(f"YAML gives {found!r} back, expected {subject.given!r}")
    return text.partition(":")[2].strip()


def python(subject: Subject) -> str:
    """Keras code that is written of it makes a model with the same layer: its class, its arguments, its weights."""
    subject.needs_keras_layer()
    code = to_python(subject.graph)
    scope: dict[str, Any] = {}
    try:
        exec(compile(code, "<Keras code>", "exec"), scope)
    except Exception as error:
        raise AssertionError(f"the Keras code does not run: {type(error).__name__}: {error}\n{code}") from None
    ours, theirs = (_told(model) for model in (subject.built.model, scope["model"]))
    if ours != theirs:
        raise AssertionError(f"the Keras code makes {theirs}, expected {ours}")
    described = subject.op.keras(*subject.inputs)
    assert described is not None
    return described.name


def _told(model: Model) -> list[dict[str, Any]]:
    """What each layer is and was told, without its name."""
    return [
        {"class": type(layer).__name__}
        | {key: value for key, value in layer.get_config().items() if key not in ("name", "seed", "batch_shape")}
        | {"weights": [tuple(weight.shape) for weight in layer.weights]}
        for layer in model.layers
        if type(layer).__name__ != "InputLayer"
    ]


def keras_round_trip(subject: Subject) -> str:
    """Built as a Keras model and read back it is the same layer, or the one of archlab's that Keras's layer is."""
    subject.needs_keras_layer()
    graph = from_keras(subject.built.model)
    node = graph.nodes[subject.position]
    found, op = node.op, subject.op
    if isinstance(found, Opaque):
        described = op.keras(*subject.inputs)
        assert described is not None
        raise NotApplicable(f"no rule reads {described.name} back: keras_rule gives one")
    if type(found) is type(op):
        # An argument that is left out and one that says what Keras would do are one layer.
        if found != op and found.keras(*subject.inputs) != op.keras(*subject.inputs):
            raise AssertionError(f"Keras's layer is read back as {found!r}, expected {op!r}")
        return repr(found)
    return f"as {type(found).__name__}"
