from __future__ import annotations

from archlab.errors import UsageError
from archlab.notation import write_yaml
from archlab.sources import Reference, load


def to_yaml(architecture: Reference, name: str = "", paper: str = "") -> str:
    """An architecture as YAML, which `from_yaml` reads back as the same architecture.

    A block that occurs several times is written once, under `blocks`, and used by its name.

    Args:
        architecture: whatever names one that is a tree of parts: a part, an `Architecture`, a reference.
        name: of the architecture; its own by default.
        paper: where it comes from; its own by default.

    Raises:
        UsageError: a graph or a Keras model, which has layers and no tree of parts.
        DesignError: a part of a kind that is not registered under its name.

    >>> from archlab import BatchNorm, Conv, Input, ReLU, Residual
    >>> unit = BatchNorm() >> ReLU() >> Conv(bias=False)
    >>> print(to_yaml(Input(32, 32, 3) >> Conv(16) >> Residual(unit * 2), name="tiny"))
    name: tiny
    architecture:
      - Input: [32, 32, 3]
      - Conv: 16
      - Residual:
          Repeat:
            part:
              - BatchNorm
              - ReLU
              - Conv: {bias: false}
            times: 2
    <BLANKLINE>
    """
    found = load(architecture)
    if found.tree is None:
        raise UsageError(f"{found.name} is a graph of layers, and YAML holds a tree of parts: export it as python")
    return write_yaml(found.tree, name or (found.name if found.reference else ""), paper or found.paper)
