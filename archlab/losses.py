"""The loss that a model is compiled with, as plain data: what a prediction needs to know of it."""

from __future__ import annotations

from typing import NamedTuple


class CompiledLoss(NamedTuple):
    """A loss, described."""

    name: str
    """What it is called where it is shown."""
    kind: str
    """The function of `keras.losses` that it is the mean of, or whatever name it has: says which labels it takes."""
    from_logits: bool = False
    plain: bool = True
    """Whether it is a function of Keras's with every other argument at its default."""
