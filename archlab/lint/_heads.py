"""What several rules about heads ask."""

from __future__ import annotations

from archlab.lint._context import Head
from archlab.lint._mend import Edits
from archlab.losses import REGRESSION_LOSSES, SIGMOID_LOSSES, SOFTMAX_LOSSES, CompiledLoss, takes_overlap
from archlab.ops import Activation, Conv, Dense, Softmax

BETWEEN = ("sigmoid", "hard_sigmoid")
"""Activations whose values are probabilities, unit by unit."""


def takes_probabilities(loss: CompiledLoss | None) -> bool:
    """Whether a loss is one of probabilities, and is given them as such."""
    return loss is not None and not loss.from_logits and (
        loss.kind in SIGMOID_LOSSES | SOFTMAX_LOSSES or takes_overlap(loss.kind)
    )  # fmt: skip


def is_regression(loss: CompiledLoss | None) -> bool:
    """Whether a loss measures a distance to real numbers."""
    return loss is not None and loss.kind in REGRESSION_LOSSES


def activated(head: Head, activation: str | None) -> Edits | None:
    """The head with another activation; None where that is no argument of its layer."""
    op = head.node.op
    if isinstance(op, Dense | Conv):
        return Edits({head.node.name: op.changed(activation=activation)})
    if isinstance(op, Activation | Softmax):
        return Edits({head.node.name: None if activation is None else Activation(activation)})
    return None


def fitting(loss: CompiledLoss, units: int | None) -> str:
    """The activation that a loss of probabilities is made for."""
    return "softmax" if loss.kind in SOFTMAX_LOSSES and units != 1 else "sigmoid"
