"""Writes the table of operations anew: what archlab knows of each, found by trying it.

`python docs/operations.py` checks every operation and writes docs/reference/operations.md.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from archlab import ops
from archlab.bridge import from_keras, load_any_keras
from archlab.ops import Op
from archlab.testing import Outcome, Outcomes, examine

PAGE = Path(__file__).parent / "reference" / "operations.md"

# Operations that need arguments; all others are tried as they are by default.
ARGUMENTS: Mapping[str, Op] = {
    "Activation": ops.Activation("tanh"),
    "AlphaDropout": ops.AlphaDropout(0.2),
    "Dropout": ops.Dropout(0.2),
    "Embedding": ops.Embedding(20, 5),
    "GRU": ops.GRU(5),
    "SimpleRNN": ops.SimpleRNN(5),
    "GaussianDropout": ops.GaussianDropout(0.2),
    "GaussianNoise": ops.GaussianNoise(0.2),
    "Input": ops.Input(12, 10, 3),
    "LSTM": ops.LSTM(5),
    "LayerScale": ops.LayerScale(0.5),
    "MultiHeadAttention": ops.MultiHeadAttention(2, 3, 5),
    "Permute": ops.Permute(2, 1, 3),
    "RandomBrightness": ops.RandomBrightness(0.2),
    "RandomContrast": ops.RandomContrast(0.2),
    "RandomCrop": ops.RandomCrop(9, 8),
    "RandomRotation": ops.RandomRotation(0.1),
    "RandomTranslation": ops.RandomTranslation(0.1, 0.1),
    "RandomZoom": ops.RandomZoom(0.2),
    "Rescaling": ops.Rescaling(1 / 255),
    "Reshape": ops.Reshape(-1, 4),
    "Resizing": ops.Resizing(9, 7),
    "SpatialDropout": ops.SpatialDropout(0.2),
}
# Words come as numbers: a row of them has no channels.
INPUTS: Mapping[str, tuple[int, ...]] = {"Embedding": (12,)}
# Layers that archlab reads and does not build.
READ_ONLY: Mapping[str, Callable[[Any], Any]] = {
    "MultiHeadAttention": lambda layers: lambda x: layers.MultiHeadAttention(2, 3, 5)(x, x),
}

COLUMNS = (
    "operation",
    "compute",
    "memory",
    "receptive field",
    "signal",
    "Keras in",
    "Keras out",
    "YAML",
    "Python code",
)

INTRODUCTION = """# Operations

What archlab knows of each operation, found by trying it: this page is written by `python docs/operations.py`, which
calls [`check_op`](extending.md#checks) on every one.

| word | meaning |
| --- | --- |
| checked | stated by the operation, and found to be what its Keras layer does |
| stated | stated by the operation; there is nothing to compare it with, and the reason stands below |
| free | deliberately no arithmetic |
| – | not known: the operation stands in reports as unknown, or is refused |

Compute are the MACs, memory the saved activations, signal the
[predicted gradients](../concepts/predicted-gradients.md). Keras in is what
[reading a Keras model](../how-to/keras-models.md) makes of the layer, Keras out the layer that it is built as.
"""


def kinds() -> dict[str, type[Op]]:
    """Every operation of archlab's own by its name."""
    found = {name: kind for name, kind in Op.registry.items() if kind.__module__.startswith("archlab.ops")}
    return dict(sorted(found.items(), key=lambda item: item[0].lower()))


@cache
def examined(name: str) -> Outcomes:
    """What every check finds of an operation."""
    return examine(ARGUMENTS.get(name) or kinds()[name], input=INPUTS.get(name))


def page() -> str:
    """The page as it should be."""
    return "\n".join((INTRODUCTION, *_table(), "", "## Why something is not checked", "", *_reasons(), ""))


def _table() -> Iterator[str]:
    yield f"| {' | '.join(COLUMNS)} |"
    yield f"|{' --- |' * len(COLUMNS)}"
    for name in kinds():
        yield f"| {' | '.join(_cells(name))} |"


def _cells(name: str) -> Iterator[str]:
    found = examined(name)
    op, inputs = found.op, found.inputs
    output = op.output(*inputs) if not op.open else op.filled(8, inputs).output(*inputs)
    filled = op.filled(8, inputs)
    yield f"`{name}`"
    yield "free" if op.free else _stated(found["MACs"], filled.cost(inputs, output))
    yield _stated(found["saved activations"], filled.kept(inputs, output))
    yield _stated(found["receptive field"], filled.window(*inputs))
    yield "checked" if found["signal"].state == "passed" else "–"
    described = filled.keras(*inputs)
    yield _read(name) if described is None else _read_back(found["Keras there and back"])
    yield "–" if described is None else f"`{described.name.rpartition('.')[2]}`"
    yield _works(found["YAML"])
    yield _works(found["Python code"])


def _stated(outcome: Outcome, fact: Any) -> str:
    return "checked" if outcome.state == "passed" else "–" if fact is None else "stated"


def _works(outcome: Outcome) -> str:
    return "checked" if outcome.state == "passed" else "–"


def _read_back(outcome: Outcome) -> str:
    """Whether the layer is read back as the operation, or as which other one."""
    if outcome.state != "passed":
        return "–"
    other = outcome.sentence.removeprefix("as ")
    return "checked" if other == outcome.sentence else f"as `{other}`"


def _read(name: str) -> str:
    """Whether a Keras layer that archlab does not build is read as the operation."""
    if name not in READ_ONLY:
        return "–"
    keras = load_any_keras()
    x = keras.Input((12, 4))
    graph = from_keras(keras.Model(x, READ_ONLY[name](keras.layers)(x)))
    return "checked" if graph.nodes[-1].op == ARGUMENTS[name] else "–"


def _reasons() -> Iterator[str]:
    """Each operation with the checks that do not apply to it, those with one reason together."""
    for name in kinds():
        why: dict[str, list[str]] = {}
        for outcome in examined(name):
            if outcome.state == "not applicable":
                why.setdefault(outcome.sentence, []).append(outcome.check)
        if why:
            said = [f"{', '.join(checks)}: {reason}" for reason, checks in why.items()]
            yield f"- `{name}`: {'; '.join(said)}."


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
