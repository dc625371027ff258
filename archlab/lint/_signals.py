"""What several rules about signals ask."""

from __future__ import annotations

from math import prod, sqrt

from archlab.lint._context import Context
from archlab.ops import Op
from archlab.signals.moments import variance as drawn_variance

SATURATING = {"sigmoid": 0.25, "hard_sigmoid": 1 / 6, "tanh": 1.0, "softsign": 1.0}
"""Activations that saturate, each with its steepest slope."""


_FADED = 1.5
"""Decades by which the gradient fades through three sigmoids."""


def saturating(context: Context) -> list[int]:
    """Layers in which a sigmoid or its like stands between layers with kernels: no gates, and not the head."""
    heads = {head.at for head in context.heads}
    found: list[int] = []
    for at, node in enumerate(context.nodes):
        if node.op.output_activation not in ("sigmoid", "hard_sigmoid", "tanh", "softsign") or at in heads:
            continue
        # What multiplies a map is a gate: its gradient has another way.
        if any(context.nodes[reader].op.merge == "product" for reader in context.readers(at)):
            continue
        found.append(at)
    return found


def explained(context: Context) -> bool:
    """Whether saturating activations or the scale of initial weights already explain what the forecast says."""
    return bool(flat_sigmoids(context) or ill_scaled(context))


def flat_sigmoids(context: Context) -> list[int]:
    """Sigmoids in depth, where the forecast doubts that the network trains, or where there are many.

    Three of Glorot's make the gradient fade by a decade and a half: an optimizer like Adam may bear it.
    """
    found = [at for at in saturating(context) if context.nodes[at].op.output_activation in ("sigmoid", "hard_sigmoid")]
    if len(found) < 2:
        return []
    fading = (context.forecast.statistics or {}).get("fading")
    faded = isinstance(fading, dict) and float(fading.get("decades", 0.0)) >= _FADED and len(found) > 2
    return found if context.doubtful or faded else []


def gain(context: Context, at: int) -> float | None:
    """By how much a kernel scales the root mean square of independent inputs, at initialization; None: not known."""
    op, facts = context.nodes[at].op, context.facts[at]
    kernels = [weight for weight in facts.weights or () if weight.role == "kernel"]
    if len(kernels) != 1 or not isinstance(op.initializer, str):
        return None
    kernel = kernels[0]
    spread = drawn_variance(op.initializer, kernel.shape)
    fan_in = prod(kernel.shape[:-1])
    return None if spread is None else sqrt(spread * fan_in)


def normalized(context: Context, at: int) -> bool:
    """Whether a normalization follows before the next kernel, so that the scale of a kernel makes no difference."""
    return any(
        here >= 0 and context.nodes[here].op.normalizes
        for here in context.ahead(
            at, lambda node: not node.op.normalizes and len(node.inputs) == 1 and not _heavy(node.op)
        )
    )


def _heavy(op: Op) -> bool:
    return op.family in ("convolution", "dense", "sequence")


LARGE, SMALL, FADED = 10.0, 0.3, 4.0
"""A gain that saturates what follows; one that is small; decades that small gains must add up to, to be reported."""


def ill_scaled(context: Context) -> list[int]:
    """Kernels whose initial weights are far too large, or, together with the others, far too small."""
    gains = {at: found for at, facts in enumerate(context.facts) if facts.kernel and (found := gain(context, at))}
    gains = {at: found for at, found in gains.items() if not normalized(context, at)}
    large = [at for at, found in gains.items() if found >= LARGE]
    if large:
        return large
    small = [at for at, found in gains.items() if found < SMALL]
    fading = context.cause("activation gradient")
    if small and context.doubtful and fading is not None and fading.value >= FADED and _drawn(context, small):
        return small
    return []


def _drawn(context: Context, positions: list[int]) -> bool:
    """Whether these layers' initializers take no account of the fan: those that do are no mistake of scale."""
    fixed = ("random_normal", "random_uniform", "truncated_normal", "constant", "{")
    return all(str(context.nodes[at].op.initializer).startswith(fixed) for at in positions)
