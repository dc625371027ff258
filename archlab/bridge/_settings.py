"""What a Keras layer was told besides what its operation states: regularizers, flags, initial values, a precision."""

from __future__ import annotations

from archlab.bridge._to_keras import keras_layer
from archlab.bridge.types import Config, Layer, Untyped
from archlab.graph import Graph

_ANY_LAYER = ("trainable", "dtype")
"""What every layer is told, whatever its class."""


class Settings:
    """What a layer was told, read when it is asked for: most graphs are never written down."""

    def __init__(self, layer: Layer) -> None:
        self._layer = layer
        self._config: Config | None = None
        self.kind = type(layer).__module__, type(layer).__qualname__
        """The module and the name of the layer's class."""

    def __getstate__(self) -> dict[str, object]:
        # A graph that goes elsewhere takes the arguments along, not the layer and its weights.
        return {"_layer": None, "kind": self.kind, "_config": self.config}

    @property
    def config(self) -> Config:
        """Its arguments by name, as Keras serializes them."""
        if self._config is None:
            self._config = dict(self._layer.get_config())
            if not self._layer.weights and not self._layer.trainable:
                del self._config["trainable"]  # there is nothing to be frozen
        return self._config


def unstated(graph: Graph) -> tuple[Config, ...]:
    """For each node the arguments of the layer that it was read from that its operation leaves out, as Keras has them.

    Of a node that was read from elsewhere, or whose operation has no layer in Keras, there are none.
    """
    return graph.fact("unstated", lambda: _unstated(graph))


def _unstated(graph: Graph) -> tuple[Config, ...]:
    # Most layers of a net are alike: the layer that an operation states is made once for all of them.
    stated: dict[tuple[str, str], tuple[tuple[str, str], Config]] = {}
    found: list[Config] = []
    for node in graph.nodes:
        settings: Settings | None = node.settings
        described = None if settings is None else node.op.keras(*graph.input_shapes(node))
        if settings is None or described is None:
            found.append({})
            continue
        told = settings.config
        if not node.inputs:
            found.append(_of_input(told))
            continue
        key = described.name, repr(described.arguments)
        if key not in stated:
            made = keras_layer(described, dtype="float32")
            stated[key] = (type(made).__module__, type(made).__qualname__), made.get_config()
        kind, ours = stated[key]
        names = [name for name in told if name != "name" and (kind == settings.kind or name in _ANY_LAYER)]
        rank = len(node.shape) + 1
        found.append({name: told[name] for name in names if not _alike(name, told[name], ours.get(name), rank)})
    return tuple(found)


def _of_input(config: Config) -> Config:
    """Of an input whether the batch is fixed, and whether it is sparse or ragged."""
    found = {name: True for name in ("sparse", "ragged") if config.get(name)}
    batch = config["batch_shape"][0]
    return found | ({} if batch is None else {"batch_size": batch})


def _alike(name: str, one: object, other: object, rank: int) -> bool:
    """Whether two values of an argument are the same, however they are written."""
    one, other = _plain(one), _plain(other)
    if name == "axis":
        one, other = _axes(one, rank), _axes(other, rank)
    if name == "trainable" and one is None:
        return True
    return one == other


def _plain(value: Untyped) -> Untyped:
    """Arrays and lists as tuples, a single number of an array as a number."""
    if hasattr(value, "numpy"):
        value = value.numpy()
    if hasattr(value, "tolist"):
        value = value.tolist()
    if isinstance(value, dict):
        if value.get("class_name") == "__numpy__":
            return _plain(value["config"]["value"])
        return {key: _plain(each) for key, each in value.items() if key not in ("build_config", "shared_object_id")}
    if isinstance(value, list | tuple):
        inner = tuple(map(_plain, value))
        return inner[0] if len(inner) == 1 and not isinstance(inner[0], str) else inner
    return value


def _axes(value: Untyped, rank: int) -> Untyped:
    if isinstance(value, tuple):
        return tuple([_axes(each, rank) for each in value])
    return value % rank if isinstance(value, int) else value
