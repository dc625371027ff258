"""Losses of PyTorch: by name, as a module or as a function of the output and the labels."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from torch.nn import functional

from archlab.errors import UsageError, did_you_mean
from archlab.torch_bridge.types import Tensor, Untyped

Function = Callable[[Tensor, Tensor], Tensor]


def _of_probabilities(output: Tensor, label: Tensor) -> Tensor:
    """Crossentropy of probabilities, which are divided by their sum and cut off as Keras does."""
    return functional.cross_entropy(output.clamp(1e-7, 1 - 1e-7).log(), label)


class _Named(NamedTuple):
    function: Function
    kind: str
    """The function of `keras.losses` that takes the same labels."""


_CLASSES, _BINARY = "sparse_categorical_crossentropy", "binary_crossentropy"
_NAMED: Mapping[str, _Named] = {
    "cross_entropy": _Named(functional.cross_entropy, _CLASSES),
    "nll_loss": _Named(functional.nll_loss, _CLASSES),
    "binary_cross_entropy": _Named(functional.binary_cross_entropy, _BINARY),
    "binary_cross_entropy_with_logits": _Named(functional.binary_cross_entropy_with_logits, _BINARY),
    "mse_loss": _Named(functional.mse_loss, "mean_squared_error"),
    "l1_loss": _Named(functional.l1_loss, "mean_absolute_error"),
    "smooth_l1_loss": _Named(functional.smooth_l1_loss, "huber"),
    "huber_loss": _Named(functional.huber_loss, "huber"),
    # Keras's names, which mean here what they mean there: crossentropies are those of probabilities.
    "sparse_categorical_crossentropy": _Named(_of_probabilities, _CLASSES),
    "categorical_crossentropy": _Named(_of_probabilities, "categorical_crossentropy"),
    "binary_crossentropy": _Named(functional.binary_cross_entropy, _BINARY),
    "mean_squared_error": _Named(functional.mse_loss, "mean_squared_error"),
    "mse": _Named(functional.mse_loss, "mean_squared_error"),
    "mean_absolute_error": _Named(functional.l1_loss, "mean_absolute_error"),
    "mae": _Named(functional.l1_loss, "mean_absolute_error"),
    "huber": _Named(functional.huber_loss, "huber"),
}
_PROBABILITIES = ("sparse_categorical_crossentropy", "categorical_crossentropy", "binary_crossentropy",
                  "binary_cross_entropy")  # fmt: skip
_KINDS = {
    "CrossEntropyLoss": _CLASSES, "NLLLoss": _CLASSES, "MultiMarginLoss": _CLASSES, "BCELoss": _BINARY,
    "BCEWithLogitsLoss": _BINARY, **{name: named.kind for name, named in _NAMED.items()},
}  # fmt: skip


@dataclass(frozen=True)
class ModuleLoss:
    """The mean loss over a batch: one function of (output, labels) for each output, added. None: it has no loss."""

    functions: tuple[Function | None, ...]
    names: tuple[str, ...]
    kinds: tuple[str, ...]
    outputs: tuple[tuple[str, ...], ...]
    inputs: tuple[tuple[str, ...], ...]

    @property
    def name(self) -> str:
        """What it is called; several are joined by a plus."""
        return " + ".join(dict.fromkeys(name for name in self.names if name))

    def __call__(self, labels: Sequence[np.ndarray | None], outputs: Sequence[Tensor]) -> Tensor:
        """The loss as one number.

        Raises:
            UsageError: a function refuses its output or labels.
        """
        total = None
        for function, name, kind, label, output in zip(
            self.functions, self.names, self.kinds, labels, outputs, strict=True
        ):
            if function is None:
                continue
            # Half precision has too few digits for sums over classes.
            wide = output.float() if output.dtype in (torch.float16, torch.bfloat16) else output
            target = _target(label, wide, kind)
            try:
                value = function(wide, target)
                value = value.mean() if value.dim() else value
            except Exception as error:  # a loss of somebody's own may raise anything
                first = (str(error).strip().splitlines() or [type(error).__name__])[0][:300]
                sizes = "none" if target is None else f"{tuple(target.shape)}"
                raise UsageError(
                    f"the loss {name} fails on an output of {tuple(output.shape)} and labels of {sizes}: {first}"
                ) from error
            total = value if total is None else total + value
        assert total is not None
        return total


def _target(label: np.ndarray | None, output: Tensor, kind: str) -> Tensor:
    if label is None:
        return None
    found = torch.as_tensor(np.ascontiguousarray(label), device=output.device)
    if found.is_floating_point():
        return found.to(output.dtype)
    if kind == _CLASSES:
        found = found.long()
        return found.squeeze(1) if found.dim() == output.dim() and found.shape[1] == 1 else found
    return found.to(output.dtype) if kind else found


def module_loss(
    given: Sequence[object], heads: Sequence[str], ranks: Sequence[int], labels: Sequence[np.ndarray | None],
    outputs: tuple[tuple[str, ...], ...], inputs: tuple[tuple[str, ...], ...],
) -> ModuleLoss:  # fmt: skip
    """The loss that was given for each output; where none was, the one that goes with its head and its labels.

    Whole numbers as labels, one for each distribution over classes, are classes: of an output that is no probability
    they are compared with as logits (`cross_entropy`), which is what classifiers of PyTorch put out.

    Args:
        given: by output, a name, a loss of PyTorch or a function of (output, labels); None for the one that goes with
            the head.
        heads: by output, the loss of Keras that goes with its activation.
        ranks: by output, how many axes it has.
        labels: by output, the labels as far as they are given.
        outputs: the names of the outputs.
        inputs: the names of the inputs.

    Raises:
        UsageError: a loss is not known, or is of probabilities where the output has none.
    """
    functions: list[Function | None] = []
    names: list[str] = []
    kinds: list[str] = []
    for loss, head, rank, label in zip(given, heads, ranks, labels, strict=True):
        if loss is None:
            classes = label is not None and label.dtype.kind in "iu" and label.ndim == rank - 1
            loss = "cross_entropy" if classes and head == "mean_squared_error" else head
        function, name, kind = _function(loss, head)
        functions.append(function)
        names.append(name)
        kinds.append(kind)
    return ModuleLoss(tuple(functions), tuple(names), tuple(kinds), outputs, inputs)


def _function(loss: Untyped, head: str) -> tuple[Function, str, str]:
    if isinstance(loss, str):
        if loss not in _NAMED:
            raise UsageError(f"no loss named {loss!r} for a PyTorch module: {did_you_mean(loss, _NAMED)}")
        if loss in _PROBABILITIES and head == "mean_squared_error":
            logits = "binary_cross_entropy_with_logits" if loss.startswith("binary") else "cross_entropy"
            raise UsageError(f"{loss} is of probabilities, which the output has none of: of logits it is {logits!r}")
        return _NAMED[loss].function, loss, _NAMED[loss].kind
    if not callable(loss):
        raise UsageError(f"a loss is a name, a loss of PyTorch or a function of (output, labels), got {loss!r}")
    name = type(loss).__name__ if isinstance(loss, torch.nn.Module) else getattr(loss, "__name__", "loss")
    return loss, name, _KINDS.get(name, "")
