from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from archlab.bridge import load_any_keras
from archlab.errors import ArchlabError, ArgumentError, MissingPartError, UsageError
from archlab.ops import Op
from archlab.testing._costs import macs, saved_activations
from archlab.testing._forms import keras_round_trip, python, representation, transforms, yaml
from archlab.testing._outcomes import NotApplicable, Outcome, Outcomes
from archlab.testing._scopes import scopes
from archlab.testing._shapes import output_shape, weights
from archlab.testing._signals import signal
from archlab.testing._subject import Subject, inputs_for
from archlab.testing._windows import window

CHECKS: Mapping[str, Callable[[Subject], str]] = {
    "output shape": output_shape,
    "weights": weights,
    "MACs": macs,
    "receptive field": window,
    "saved activations": saved_activations,
    "signal": signal,
    "repr": representation,
    "transforms": transforms,
    "YAML": yaml,
    "Python code": python,
    "Keras there and back": keras_round_trip,
    "blocks and stages": scopes,
}
"""Every check by its name. Each looks at one fact, and says what it compared."""


def check_op(op_or_class: Op | type[Op], *, input: Any = None) -> Outcomes:
    """Check that a layer is what it says, as every layer of archlab is checked.

    What the layer states is compared with what its Keras layer does: shapes and weights with Keras's, MACs and saved
    activations with TensorFlow's graph, the window with the support of the gradient with respect to the input, the
    predicted signal with samples. What it is written as is read back. A fact that the layer does not state is not
    applicable, with the reason.

    Args:
        op_or_class: the layer; or its class, if that needs no arguments.
        input: the shape that comes in, without the batch and with channels last, `(12, 10, 4)`; several shapes for a
            layer with several inputs. By default the first of a few usual shapes that the layer takes.

    Returns:
        The outcome of every check, which prints itself as a table.

    Raises:
        AssertionError: lists every check that failed, and what it expected and found.
        UsageError: a class that needs arguments, or no usual shape suits the layer.
        ShapeError: the layer refuses the shape that is given.
        MissingPartError: Keras cannot be imported. With another backend than TensorFlow what it takes gradients for is
            not applicable.

    >>> from archlab import Conv
    >>> found = check_op(Conv(8, kernel=5, stride=2), input=(12, 10, 4))
    >>> found["MACs"]
    Outcome(check='MACs', state='passed', sentence='24,000')
    """
    found = examine(op_or_class, input=input)
    if found.failed:
        lines = [f"{each.check}: {each.sentence}" for each in found.failed]
        count = f"{len(lines)} of {len(found)} checks failed"
        raise AssertionError("\n  ".join((f"{found.subject}: {count}", *lines)))
    return found


def examine(op_or_class: Op | type[Op], *, input: Any = None) -> Outcomes:
    """The outcome of every check, whether it failed or not: what `check_op` raises for, as a record.

    Takes the same arguments, and raises the same errors but for AssertionError.

    >>> from archlab import ReLU
    >>> len(examine(ReLU).failed)
    0
    """
    load_any_keras()
    op = _made(op_or_class)
    subject = Subject(op, inputs_for(op, input))
    return Outcomes(op, subject.inputs, tuple(_outcome(name, check, subject) for name, check in CHECKS.items()))


def _made(op_or_class: Any) -> Op:
    if isinstance(op_or_class, type) and issubclass(op_or_class, Op):
        try:
            return op_or_class()
        except ArgumentError as error:
            raise UsageError(f"{op_or_class.__name__} cannot be made without arguments, give one: {error}") from None
    if not isinstance(op_or_class, Op):
        raise UsageError(f"a layer is needed, such as Conv(8), or its class, got {op_or_class!r}")
    return op_or_class


def _outcome(name: str, check: Callable[[Subject], str], subject: Subject) -> Outcome:
    try:
        return Outcome(name, "passed", check(subject))
    except (NotApplicable, MissingPartError) as reason:
        return Outcome(name, "not applicable", str(reason))
    except (AssertionError, ArchlabError) as failure:
        return Outcome(name, "failed", str(failure))
    except Exception as error:
        if "do not yet support" in str(error):
            return Outcome(name, "not applicable", "TensorFlow cannot run the layer on this machine's processor")
        # A fact that raises is a fact that fails.
        return Outcome(name, "failed", f"raised {type(error).__name__}: {error}")
