"""Whether it trains, as forecast."""

from __future__ import annotations

from archlab.analysis._state import Value
from archlab.analysis.quantities._quantity import QUANTITIES, Quantity, Subject
from archlab.units import WORDS


def _sgd(subject: Subject) -> Value:
    return Value(subject.forecast.sgd.told)


def _adam(subject: Subject) -> Value:
    return Value(subject.forecast.adam.told)


for _name, _label, _whole in (("forecast_sgd", "forecast: SGD", _sgd), ("forecast_adam", "forecast: Adam", _adam)):
    QUANTITIES.add(
        Quantity(
            _name,
            _label,
            WORDS,
            "Whether it trains, and the probability of it, as its statistics at initialization tell: the optimizer at "
            "the best of its usual learning rates, on a few dozen images.",
            whole=_whole,
            places=frozenset(("compare",)),
            parent="" if _name == "forecast_sgd" else "forecast: SGD",
            short="" if _name == "forecast_sgd" else "Adam",
            key="",
            counted=False,
        )
    )
