"""Fits the forecast to the networks that were trained, and says how well it holds where it was not fitted.

`python -m tests.benchmarks.trainability.calibrate` prints the tables of the documentation; with `--write` it writes
them there, and the limits and weights that archlab uses. Some families are never fitted to; the others are each
forecast from the rest once, and the limits below which a network is said to fail come from these forecasts.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from scipy.optimize import minimize

from archlab.analysis.static._head import loss_of
from archlab.analysis.trainability import _calibration
from archlab.analysis.trainability._obstacles import EXACT, LABELS, MEASURES, OPTIMIZERS, SHARPNESS
from archlab.analysis.trainability._statistics import statistics
from archlab.graph import Graph
from archlab.losses import CompiledLoss
from tests.benchmarks.trainability.first_nets import first_nets
from tests.benchmarks.trainability.nets import HELD_OUT, grid
from tests.benchmarks.trainability.train import OUTCOMES, TRAINED

_BOTH = {"collapse": 3.5, "saturated": 0.5}
STARTS = {
    "sgd": {"slow": -0.8, "curved": 3.0, "fading": 2.0, "growing": 3.0, "weak": 1.5, "strong": 1.0, **_BOTH},
    "adam": {"slow": 0.0, "fading": 3.0, "growing": 3.5, "weak": 2.5, "strong": 3.0, **_BOTH},
}
"""Where the limits are looked for: what the literature and the first networks say. A fit moves them a little."""
_RIDGE, _MOVE = 0.05, 0.3


class Trained(NamedTuple):
    """A network, what its statistics measure, and whether it trained."""

    name: str
    family: str
    regime: str
    images: str
    measures: dict[str, np.ndarray]
    trained: dict[str, bool]
    steps: dict[str, float]


def trained_nets(lines: Iterable[str]) -> list[Trained]:
    """Every network of the file whose statistics are known."""
    graphs: dict[str, Graph] = {name: part.to_graph() for name, _, part in first_nets()}
    graphs |= {net.name: net.graph() for net in grid()}
    found = []
    for line in lines:
        outcome = json.loads(line)
        graph = graphs[outcome["net"]]
        stats, _ = statistics(graph, loss_of(graph, _BINARY)[0], None)
        if stats is None:
            continue
        measures = {name: np.array([m(stats) for m in MEASURES[name].values()]) for name in OPTIMIZERS}
        trained = {name: _trains(outcome["runs"], name) for name in OPTIMIZERS}
        steps = {name: _steps(outcome["runs"], name) for name in OPTIMIZERS}
        found.append(Trained(
            outcome["net"], outcome["family"], outcome["regime"], outcome["images"], measures, trained, steps
        ))  # fmt: skip
    return found


_BINARY = CompiledLoss("binary_crossentropy", "binary_crossentropy")


def _trains(runs: Sequence[dict[str, Any]], optimizer: str) -> bool:
    """Whether both initializations were trained."""
    return all(
        any(min(run["losses"]) < TRAINED for run in runs if run["optimizer"] == optimizer and run["seed"] == seed)
        for seed in (0, 1)
    )


def _steps(runs: Sequence[dict[str, Any]], optimizer: str) -> float:
    """The steps after which the first initialization was trained, at the best rate."""
    after = [
        20 * (1 + next(i for i, loss in enumerate(run["losses"]) if loss < TRAINED))
        for run in runs
        if run["optimizer"] == optimizer and run["seed"] == 0 and min(run["losses"]) < TRAINED
    ]
    return min(after, default=float("inf"))


class Fit(NamedTuple):
    """The logistic regression: with nothing in the way, and for each measure its limit and weight."""

    intercept: float
    limits: np.ndarray
    weights: np.ndarray

    def probabilities(self, values: np.ndarray, exact: np.ndarray) -> np.ndarray:
        """Of networks with these measures, a row each."""
        return 1 / (1 + np.exp(-self.intercept + _beyond(values - self.limits, exact) @ self.weights))


def _beyond(over: np.ndarray, exact: np.ndarray) -> np.ndarray:
    return np.where(exact, over, np.logaddexp(0, SHARPNESS * over) / SHARPNESS)


def _exact(optimizer: str) -> np.ndarray:
    return np.array([name in EXACT for name in MEASURES[optimizer]])


def fit(nets: Sequence[Trained], optimizer: str) -> Fit:
    """The most likely limits and weights: weights not negative and small, limits near where they were looked for."""
    values = np.array([net.measures[optimizer] for net in nets])
    outcome = np.array([net.trained[optimizer] for net in nets], float)
    exact = _exact(optimizer)
    start = np.array([STARTS[optimizer].get(name, 0.0) for name in MEASURES[optimizer]])
    count = len(start)

    def unlikely(p: np.ndarray) -> float:
        limits = np.where(exact, 0.0, p[1 + count :])
        odds = p[0] - _beyond(values - limits, exact) @ p[1 : 1 + count]
        loss = np.logaddexp(0, -odds) * outcome + np.logaddexp(0, odds) * (1 - outcome)
        moved = np.sum((limits - start) ** 2 * ~exact)
        return float(loss.sum() + _RIDGE / 2 * np.sum(p[1 : 1 + count] ** 2) + _MOVE * moved)

    bounds = [(-1.0, 4.0)] + [(0.0, 6.0)] * count + [(None, None)] * count
    found = minimize(unlikely, np.r_[2.0, np.full(count, 0.5), start], method="L-BFGS-B", bounds=bounds).x
    return Fit(found[0], np.where(exact, 0.0, found[1 + count :]), found[1 : 1 + count])


def probabilities(found: Fit, nets: Sequence[Trained], optimizer: str) -> np.ndarray:
    """Of each network."""
    return found.probabilities(np.array([net.measures[optimizer] for net in nets]), _exact(optimizer))


def left_out(nets: Sequence[Trained], optimizer: str) -> np.ndarray:
    """The probability of each network from a fit to the other families."""
    found = np.zeros(len(nets))
    for family in {net.family for net in nets}:
        inside = [i for i, net in enumerate(nets) if net.family == family]
        rest = [net for net in nets if net.family != family]
        found[inside] = probabilities(fit(rest, optimizer), [nets[i] for i in inside], optimizer)
    return found


def auc(chances: np.ndarray, outcome: np.ndarray) -> float:
    """The area under the ROC curve: how often a network that trained was given more than one that did not."""
    if outcome.all() or not outcome.any():
        return float("nan")
    yes, no = chances[outcome], chances[~outcome]
    return float(np.mean((yes[:, None] > no) + 0.5 * (yes[:, None] == no)))


def calibration_error(chances: np.ndarray, outcome: np.ndarray, bins: int = 5) -> float:
    """The expected calibration error over bins of equal width (Guo et al. 2017, section 2)."""
    which = np.minimum((chances * bins).astype(int), bins - 1)
    parts = [np.flatnonzero(which == i) for i in range(bins)]
    return float(sum(len(p) * abs(chances[p].mean() - outcome[p].mean()) for p in parts if len(p)) / len(chances))


def error_by_chance(chances: np.ndarray) -> float:
    """The calibration error to be expected of so many networks where every probability is true: it is not 0."""
    draws = np.random.default_rng(0).random((1000, len(chances))) < chances
    return float(np.mean([calibration_error(chances, drawn) for drawn in draws]))


def failing_below(chances: np.ndarray, outcome: np.ndarray) -> float:
    """The highest probability, at most 0.35, up to which at least 97 % of the networks given less did not train."""
    best = 0.02
    for limit in np.linspace(0.02, 0.35, 34):
        below = chances <= limit
        if below.any() and (~outcome[below]).mean() >= 0.97:
            best = float(limit)
    return round(best, 2)


def _table(nets: Sequence[Trained], chances: dict[str, np.ndarray], limits: dict[str, float], title: str) -> str:
    """Markdown: for each family and outcome how many there are, and how many trained."""
    lines = [
        f"{title}\n",
        "| family | n | SGD: trains | slow | fails | AUC | Adam: trains | slow | fails | AUC |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    families = [*dict.fromkeys(sorted(net.family for net in nets)), ""]
    for family in families:
        inside = np.array([not family or net.family == family for net in nets])
        cells = [family or "**all**", str(inside.sum())]
        for name in OPTIMIZERS:
            outcome = np.array([net.trained[name] for net in nets])
            said = [chances[name] >= _TRAINS, None, chances[name] <= limits[name]]
            said[1] = ~(said[0] | said[2])
            for words in said:
                which = words & inside
                cells.append(f"{outcome[which].sum()}/{which.sum()}" if which.any() else "–")
            area = auc(chances[name][inside], outcome[inside])
            cells.append("–" if np.isnan(area) else f"{area:.2f}")
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


_TRAINS = 0.6
PAGE = Path(__file__).parents[3] / "docs" / "concepts" / "forecast.md"
_HEADER = '''"""Limits and weights of the forecast: written by `tests.benchmarks.trainability.calibrate --write`."""

from __future__ import annotations

from typing import Any

NETWORKS = {count}
"""How many trained networks they were fitted to."""

CALIBRATION: dict[str, dict[str, Any]] = {{'''
_FOOTER = '''}
"""For each optimizer: the logarithm of the odds with nothing in the way, the probability from which a network is said
to train and the one up to which to fail, and for each measure its limit and weight."""
'''


def main() -> None:
    """Fit, print, and write if asked."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--outcomes", type=Path, default=OUTCOMES)
    parser.add_argument("--write", action="store_true", help="write the limits and weights that archlab uses")
    given = parser.parse_args()
    nets = trained_nets(given.outcomes.read_text(encoding="utf-8").splitlines())
    inner = [net for net in nets if net.family not in HELD_OUT]
    outer = [net for net in nets if net.family in HELD_OUT]
    fits = {name: fit(inner, name) for name in OPTIMIZERS}
    crossed = {name: left_out(inner, name) for name in OPTIMIZERS}
    held = {name: probabilities(fits[name], outer, name) for name in OPTIMIZERS}
    limits = {}
    for name in OPTIMIZERS:
        outcome = np.array([net.trained[name] for net in inner])
        limits[name] = failing_below(crossed[name], outcome)
        print(
            f"\n{LABELS[name]}: fitted to {len(inner)} networks, of which {outcome.sum()} trained. Limits and weights:"
        )
        for kind, limit, weight in zip(MEASURES[name], fits[name].limits, fits[name].weights, strict=True):
            print(f"  {kind:10} limit {limit:6.2f}  weight {weight:5.2f}")
        for words, which, chances in (
            ("each family forecast from the others", inner, crossed[name]),
            ("held out", outer, held[name]),
        ):
            if len(which):
                _say(words, which, chances, limits[name], name)
    tables = "\n\n".join((
        _summary(((inner, crossed, "each family from the others"), (outer, held, "families never fitted to")), limits),
        _table(inner, crossed, limits,
               "Each family forecast from a fit to the others: how many trained, of those so forecast."),
        _table(outer, held, limits, "Families that nothing was fitted to:"),
        _waits([*inner, *outer], {name: np.concatenate([crossed[name], held[name]]) for name in OPTIMIZERS}, limits),
    ))  # fmt: skip
    print(f"\n{tables}")
    if given.write:
        _write(fits, limits, len(inner))
        before, begin, rest = PAGE.read_text(encoding="utf-8").partition("<!-- tables -->\n")
        _, end, after = rest.partition("<!-- end of tables -->\n")
        PAGE.write_text(f"{before}{begin}{tables}\n{end}{after}", encoding="utf-8")


def _summary(groups: Iterable[tuple[Sequence[Trained], dict[str, np.ndarray], str]], limits: dict[str, float]) -> str:
    """Markdown: how well the forecast holds, for each optimizer and group of networks."""
    lines = [
        "| | n | trained | AUC | calibration error | by chance | forecast to fail | of these failed |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    rows = [(name, *group) for name in OPTIMIZERS for group in groups]
    for name, nets, chances, words in rows:
        outcome, given = np.array([net.trained[name] for net in nets]), chances[name]
        fails = given <= limits[name]
        cells = [
            f"{LABELS[name]}, {words}", len(nets), outcome.sum(), f"{auc(given, outcome):.3f}",
            f"{calibration_error(given, outcome):.3f}", f"{error_by_chance(given):.3f}",
            fails.sum(), (~outcome[fails]).sum(),
        ]  # fmt: skip
        lines.append("| " + " | ".join(map(str, cells)) + " |")
    return "\n".join(lines)


def _waits(nets: Sequence[Trained], chances: dict[str, np.ndarray], limits: dict[str, float]) -> str:
    """A line: after how many steps networks trained, by what was forecast."""
    found = []
    for name in OPTIMIZERS:
        given = chances[name]
        for words, which in (("trains", given >= _TRAINS), ("slow", (given < _TRAINS) & (given > limits[name]))):
            steps = [net.steps[name] for net, yes in zip(nets, which, strict=True) if yes and net.trained[name]]
            found.append(f"{LABELS[name]}, '{words}': {np.median(steps):.0f} steps (median of {len(steps)})")
    return f"Median steps until trained: {'; '.join(found)}."


def _say(words: str, nets: Sequence[Trained], chances: np.ndarray, limit: float, optimizer: str) -> None:
    outcome = np.array([net.trained[optimizer] for net in nets])
    fails = chances <= limit
    print(
        f"  {words}: n = {len(nets)}, {outcome.sum()} trained; AUC {auc(chances, outcome):.3f}, calibration error "
        f"{calibration_error(chances, outcome):.3f}; of {fails.sum()} forecast to fail {(~outcome[fails]).sum()} failed"
    )
    for net, chance in zip(nets, chances, strict=True):
        if abs(chance - net.trained[optimizer]) > 0.75:
            print(f"    {net.name}: {'trained' if net.trained[optimizer] else 'failed'}, forecast {chance:.2f}")


def _write(fits: dict[str, Fit], limits: dict[str, float], count: int) -> None:
    lines = [_HEADER.format(count=count)]
    for name, found in fits.items():
        lines.append(f'    "{name}": {{')
        lines.append(f'        "intercept": {found.intercept:.3f},')
        lines.append(f'        "trains": {_TRAINS},')
        lines.append(f'        "fails": {limits[name]},')
        lines.append('        "terms": {')
        for kind, limit, weight in zip(MEASURES[name], found.limits, found.weights, strict=True):
            if weight > 0.01:
                lines.append(f'            "{kind}": ({limit:.3f}, {weight:.3f}),')
        lines += ["        },", "    },"]
    lines.append(_FOOTER)
    Path(_calibration.__file__).write_text("\n".join(lines), encoding="utf-8")


if __name__ == "__main__":
    main()
