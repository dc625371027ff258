"""Whether a network trains, told before it is trained, and why not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite
from typing import ClassVar

from archlab.analysis._record import Record
from archlab.analysis.static._doubts import doubts
from archlab.analysis.static._head import loss_of
from archlab.analysis.static._passes import forward
from archlab.analysis.trainability._calibration import CALIBRATION
from archlab.analysis.trainability._causes import Cause, causes_of, no_path, unconnected
from archlab.analysis.trainability._obstacles import OPTIMIZERS, probability
from archlab.analysis.trainability._statistics import statistics
from archlab.errors import ArgumentError, UnknownNameError, did_you_mean
from archlab.graph import Graph
from archlab.losses import CompiledLoss
from archlab.shown import Printed
from archlab.sources import Reference, load
from archlab.units import format_share

LOSSES = (
    "binary_crossentropy",
    "categorical_crossentropy",
    "sparse_categorical_crossentropy",
    "mean_squared_error",
)  # fmt: skip


@dataclass(frozen=True)
class OptimizerForecast(Record):
    """What is to be expected of one optimizer at the best of its usual learning rates.

    Attributes:
        outcome: 'trains', 'slow' (it may train, and late), 'fails', or 'unknown' where the theory does not reach.
        probability: that it trains; None where the outcome is unknown.
    """

    outcome: str
    probability: float | None

    @property
    def told(self) -> str:
        """In words, with the probability: 'trains (93 %)'."""
        return f"{self._word}{self._share}"

    def told_with(self, optimizer: str) -> str:
        """As part of a sentence: 'trains with SGD (93 %)'."""
        return f"{self._word} with {optimizer}{self._share}"

    @property
    def _word(self) -> str:
        return "slow or not at all" if self.outcome == "slow" else self.outcome

    @property
    def _share(self) -> str:
        return "" if self.probability is None else f" ({format_share(self.probability, 0)})"


@dataclass(frozen=True, repr=False)
class Forecast(Record, Printed):
    """Whether a network trains, as its statistics at initialization tell.

    "Trains" means what it meant for the networks that the forecast was fitted to: a few dozen images can be learned in
    a few hundred steps. It says nothing about the accuracy on other images.

    Attributes:
        sgd: gradient descent with momentum 0.9.
        adam: Adam.
        causes: what stands in the way, the gravest first.
        why: what makes the forecast uncertain; where the outcome is unknown, why it is.
        statistics: what it was made of, by name; numbers in decades unless their names say otherwise.
    """

    what: ClassVar[str] = "forecast"

    sgd: OptimizerForecast
    adam: OptimizerForecast
    causes: tuple[Cause, ...] = ()
    why: tuple[str, ...] = ()
    statistics: dict[str, object] | None = None


def forecast(
    architecture: Reference,
    loss: str | None = None,
    input_range: tuple[float, float] | None = None,
    *,
    input: Sequence[int | None] | None = None,
) -> Forecast:
    """Whether an architecture trains, under SGD with momentum and under Adam, and why not: nothing is built or run.

    Statistics at initialization are predicted by mean-field theory (Schoenholz et al. 2017, 'Deep Information
    Propagation'), and weighed as networks that were trained have shown.

    Args:
        architecture: a part, a graph, a live Keras model (read, and left as it is) or a reference such as 'residual'.
        loss: a function of `keras.losses`; by default the one that the model was compiled with, or that goes with its
            last layer.
        input_range: the lowest and the highest value of the input, such as (0, 255). By default images of 0–255 where
            the architecture rescales its input, and of mean 0 and variance 1 where it does not.
        input: another input shape; of a PyTorch module, which does not say it, the shape that it takes: (3, 224, 224).

    Raises:
        UnknownNameError: the reference or the loss names nothing that is known.
        ArgumentError: the range is no range.
        DesignError: the architecture does not add up.

    >>> found = forecast("plain:depth=50,normalization=none,conv=ordinary")
    >>> found.sgd.outcome, found.causes[0].quantity
    ('fails', 'activation gradient')
    """
    found = load(architecture, input)
    if loss is not None and loss not in LOSSES:
        raise UnknownNameError(f"no loss {loss!r} has a rule: {did_you_mean(loss, LOSSES)}")
    compiled = CompiledLoss(loss, loss) if loss is not None else found.compiled_loss
    return forecast_graph(found.graph, compiled, found.unusual_starts, _checked(input_range))


def _checked(given: Sequence[float] | None) -> tuple[float, float] | None:
    """The mean and the standard deviation of images of a range: its middle, and a quarter of it."""
    if given is None:
        return None
    if len(given) != 2 or not all(map(isfinite, given)) or not given[0] < given[1]:
        raise ArgumentError(f"input_range must be the lowest and the highest value, such as (0, 255), got {given!r}")
    low, high = given
    return (low + high) / 2, (high - low) / 4


def forecast_graph(
    graph: Graph,
    compiled: CompiledLoss | None = None,
    unusual_starts: tuple[str, ...] = (),
    pixels: tuple[float, float] | None = None,
) -> Forecast:
    """The forecast of a graph, worked out once.

    Args:
        graph: the architecture.
        compiled: the loss that it is compiled with.
        unusual_starts: variables that begin with other values than the graph says, in sentences.
        pixels: the mean and the standard deviation of the input.
    """
    key = f"forecast with {compiled}, {unusual_starts} and {pixels}"
    return graph.fact(key, lambda: _made(graph, compiled, unusual_starts, pixels))


def _made(
    graph: Graph, compiled: CompiledLoss | None, unusual_starts: tuple[str, ...], pixels: tuple[float, float] | None
) -> Forecast:
    if unconnected(graph):
        fails = OptimizerForecast("fails", 0.0)
        return Forecast(fails, fails, (no_path(graph),))
    loss, is_compiled = loss_of(graph, compiled)
    why: list[str] = []
    if compiled is not None and not is_compiled:
        why.append(f"the loss {compiled.name} has no rule here: {loss.name} is assumed")
    found, missing = statistics(graph, loss, pixels)
    if found is None:
        unknown = OptimizerForecast("unknown", None)
        return Forecast(unknown, unknown, (), (*missing, *unusual_starts))
    signals = forward(graph, loss, training=False, pixels=pixels).signals
    chances = {name: probability(found, name) for name in OPTIMIZERS}
    causes = causes_of(graph, found, compiled, pixels, chances)
    sgd, adam = (OptimizerForecast(_outcome(name, chances[name]), round(chances[name], 4)) for name in OPTIMIZERS)
    return Forecast(sgd, adam, causes, (*why, *doubts(graph, signals), *unusual_starts), found.to_dict())


def _outcome(optimizer: str, chance: float) -> str:
    limits = CALIBRATION[optimizer]
    return "trains" if chance >= limits["trains"] else "fails" if chance <= limits["fails"] else "slow"
