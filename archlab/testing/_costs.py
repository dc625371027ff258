"""Multiply–accumulates and saved activations, against TensorFlow's own graph of the layer."""

from __future__ import annotations

from math import prod

from archlab.testing import _trace
from archlab.testing._outcomes import NotApplicable
from archlab.testing._subject import Subject
from archlab.units import FLOPS_PER_MAC

_FEW = 8
"""A coin for each sample, or the corners of a turned image, are no activations."""


def macs(subject: Subject) -> str:
    """The MACs are those of the convolutions and matrix products in TensorFlow's graph of the layer."""
    cost = subject.op.cost(subject.inputs, subject.output)
    if cost is None:
        raise NotApplicable("it does not state its cost")
    if cost.flops < FLOPS_PER_MAC * cost.macs:
        raise AssertionError(
            f"{cost.macs:,} MACs are at least {FLOPS_PER_MAC * cost.macs:,} FLOPs, and cost() says {cost.flops:,}"
        )
    subject.needs_gradient()
    theirs = _trace.macs(_trace.traced(subject.runnable(), training=False).forward)
    if cost.macs != theirs:
        raise AssertionError(f"cost() says {cost.macs:,} MACs, and TensorFlow's graph of the layer has {theirs:,}")
    return f"{cost.macs:,}"


def saved_activations(subject: Subject) -> str:
    """What the backward pass is said to save is enough for it, and no more than TensorFlow saves."""
    kept = subject.op.kept(subject.inputs, subject.output)
    if kept is None:
        raise NotApplicable("it does not state what the backward pass saves")
    subject.needs_gradient()
    theirs = _trace.saved(_trace.traced(subject.runnable(), training=True))
    sizes = [prod(size or 1 for size in shape) for shape in (*subject.inputs, subject.output)]
    total = kept.inputs * sum(sizes[:-1]) + kept.output * sizes[-1] + kept.extra
    stated = f"kept() is Kept(inputs={kept.inputs}, output={kept.output}, extra={kept.extra})"
    if theirs.input_of_kernel and not kept.inputs:
        raise AssertionError(f"{stated}, and the gradient of a kernel needs the input: expected inputs=True")
    if kept.inputs and theirs.output and not theirs.inputs and theirs.total == sizes[-1]:
        raise AssertionError(f"{stated}, and TensorFlow's backward pass reads the output and not the input")
    if total > theirs.total:
        raise AssertionError(f"{stated}, {total:,} numbers, and TensorFlow's backward pass reads {theirs.total:,}")
    if not total and theirs.largest > _FEW:
        raise AssertionError(f"{stated}, nothing, and TensorFlow's backward pass reads {theirs.total:,} numbers")
    if total < theirs.of_kernels:
        raise AssertionError(
            f"{stated}, {total:,} numbers, and kernels, whose gradients need what they read, read {theirs.of_kernels:,}"
        )
    names = ["input"] * kept.inputs + ["output"] * kept.output + [f"{kept.extra:,} more numbers"] * (kept.extra > 0)
    return ", ".join(names) or "nothing"
