"""NAS-Bench-201 (Dong & Yang 2020): what is told of a network before it is trained, against what training showed.

The table has a line for each cell: the operations op_0_1, op_0_2, op_1_2, op_0_3, op_1_3, op_2_3, and the test accuracy
on CIFAR-10 after 200 epochs, test_accuracy_mean. Nothing here is fitted to it, but for the last rows, which say so.

python -m tests.benchmarks.nas201 --table FILE [--flows 20] [--cells 1000] [--seed 0] [--output FILE]
"""

from __future__ import annotations

import argparse
import csv
import platform
import random
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from statistics import mean, median
from typing import Any, NamedTuple

import numpy as np
from scipy.stats import rankdata, spearmanr

from archlab import Graph, Input, Stage, analyze, load
from archlab.analysis.measured import gradient_flow
from archlab.analysis.static._head import loss_of
from archlab.analysis.static.signal import predict
from archlab.analysis.trainability._causes import unconnected
from archlab.analysis.trainability._obstacles import OPTIMIZERS, probability
from archlab.analysis.trainability._statistics import statistics
from archlab.files import write_lines
from archlab.zoo.nas_bench import cell_of
from tests.benchmarks.prediction import line, score, summary

EDGES = ("op_0_1", "op_0_2", "op_1_2", "op_0_3", "op_1_3", "op_2_3")
SEEDS = 3
# Zero-cost scores of others on CIFAR-10, rank correlation with the test accuracy over cells of this benchmark, as
# published: about 0.82 for the best single score of the kind of synflow and NWOT, 0.89 for MeCo (Jiang et al. 2023).
PUBLISHED = {"best single score (like synflow)": 0.82, "MeCo": 0.89}
COUNTS = ("parameters", "MACs", "depth", "receptive field")


class Published(NamedTuple):
    """A cell and the accuracy that was measured."""

    cell: str
    accuracy: float

    @property
    def graph(self) -> Graph:
        """The whole network."""
        return load(f"nas201:{self.cell}").graph

    @property
    def dead(self) -> bool:
        """Whether no path leads through the cell: told from the cell alone."""
        return unconnected((Input(4, 4, 2) >> Stage(cell_of(self.cell), 2)).to_graph())


def read(table: str) -> list[Published]:
    """The cells of a table."""
    with Path(table).open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    if not rows or not {*EDGES, "test_accuracy_mean"} <= set(rows[0]):
        raise SystemExit(f"{table}: the columns must be {', '.join(EDGES)} and test_accuracy_mean")
    found: list[Published] = []
    for row in rows:
        edges = [(name[-1], f"{row[name]}~{name[-3]}") for name in EDGES]
        nodes = ["|".join(edge for end, edge in edges if end == target) for target in "123"]
        found.append(Published("+".join(f"|{node}|" for node in nodes), float(row["test_accuracy_mean"])))
    return found


def scores(graph: Graph) -> dict[str, float]:
    """All that is told of a network, each as one number."""
    found = analyze(graph)
    field = found.receptive_field.last
    assert field is not None and field.size is not None
    told, why = statistics(graph, loss_of(graph, None)[0], None)
    if told is None:
        raise SystemExit(f"{graph.name}: no statistics: {why[0]}")
    numbers = [found.params.trainable, found.compute.macs or 0, told.depth, field.size[0]]
    row = dict(zip(COUNTS, map(float, numbers), strict=True))
    for name, value in told._asdict().items():
        if name != "depth":
            row[name] = float(value[0] if isinstance(value, tuple) else value)
    return row | {f"probability, {name}": probability(told, name) for name in OPTIMIZERS}


def rank_correlation(a: Sequence[float], b: Sequence[float]) -> float | None:
    """Spearman's, ties at their mean rank; None where one of both is always the same."""
    return None if len(set(a)) < 2 or len(set(b)) < 2 else float(spearmanr(a, b).statistic)


def partial(xy: float, xz: float, yz: float) -> float | None:
    """The correlation of x and y given z; None where x is z."""
    left = (1 - xz**2) * (1 - yz**2)
    return (xy - xz * yz) / left**0.5 if left > 1e-9 else None


def combined(columns: Mapping[str, Sequence[float]], accuracy: Sequence[float], names: Sequence[str]) -> float:
    """Linear regression of the accuracy's rank on those of the columns, fitted on one half and scored on the other.

    The mean of both turns. A value of the other half has the rank that it would have in the half that was fitted.
    """
    table, wanted = np.array([columns[name] for name in names]).T, np.asarray(accuracy)
    halves = np.arange(len(wanted)) % 2 == 0
    found: list[float] = []
    for fitted in (halves, ~halves):
        known = np.sort(table[fitted], axis=0)

        def ranks(rows: np.ndarray, known: np.ndarray = known) -> np.ndarray:
            below = [
                (np.searchsorted(k, c, "left") + np.searchsorted(k, c, "right")) / (2 * len(k)) - 0.5
                for k, c in zip(known.T, rows.T, strict=True)
            ]
            return np.column_stack([*below, np.ones(len(rows))])

        weights = np.linalg.lstsq(ranks(table[fitted]), rankdata(wanted[fitted]), rcond=1e-9)[0]
        found.append(rank_correlation((ranks(table[~fitted]) @ weights).tolist(), wanted[~fitted].tolist()) or 0.0)
    return mean(found)


def dead_cells(cells: Sequence[Published]) -> dict[str, Any]:
    """What is found dead, and what training says of it."""
    started = time.perf_counter()
    dead = [cell.dead for cell in cells]
    took = (time.perf_counter() - started) / len(cells)
    cut = [cell for cell, each in zip(cells, dead, strict=True) if each]
    alive = [cell.accuracy for cell, each in zip(cells, dead, strict=True) if not each]
    told = {
        "cells": len(cells),
        "dead": len(cut),
        "dead above 10 %": [cell.cell for cell in cut if cell.accuracy > 10],
        "alive at 10 %": sum(accuracy <= 10 for accuracy in alive),
        "lowest accuracy alive": min(alive),
        "milliseconds a cell": round(took * 1000, 3),
    }
    print(", ".join(f"{name} {value}" for name, value in told.items()))
    return told


def flows(cells: Sequence[Published]) -> Iterator[dict[str, Any]]:
    """Predicted against measured activation gradients, cell by cell."""
    rows: list[Any] = []
    print(f"{'cell':66} layers   rank  slope: measured, predicted    error ×2  kernel ×2  reliable")
    for cell in cells:
        graph = cell.graph
        prediction = predict(graph)
        row = score(prediction, gradient_flow(graph, seeds=SEEDS))
        rows.append((cell.cell, prediction, row))
        print(line(cell.cell.replace("nor_conv_", "").replace("_connect", ""), prediction, row), flush=True)
        yield {"cell": cell.cell, "slope": row.slope, "predicted": row.predicted, "within": row.error}
    print(summary(rows))
    print(f"median of |predicted − measured slope| {median(abs(r.predicted - r.slope) for _, _, r in rows):.3f}")


def correlations(columns: Mapping[str, Sequence[float]], accuracy: Sequence[float]) -> Iterator[dict[str, Any]]:
    """The rank correlation of every score with the accuracy, alone and given the parameters, as a table."""
    size = rank_correlation(columns["parameters"], accuracy) or 0.0
    print(f"\n{'score':36} {'rank correlation':>17} {'given parameters':>17}")
    for name, column in columns.items():
        alone, shared = rank_correlation(column, accuracy), rank_correlation(column, columns["parameters"])
        given = None if alone is None or shared is None else partial(alone, shared, size)
        yield _row(name, alone, given)
    statistics_alone = [name for name in columns if name not in COUNTS]
    for name, names in (
        ("counts, other half", COUNTS),
        ("statistics, other half", statistics_alone),
        ("counts and statistics, other half", tuple(columns)),
    ):
        yield _row(name, combined(columns, accuracy, names), None)
    for name, value in PUBLISHED.items():
        print(f"{'published: ' + name:44} {value:9.2f}")


def _row(name: str, alone: float | None, given: float | None) -> dict[str, Any]:
    said = ["–" if value is None else f"{value:+.3f}" for value in (alone, given)]
    print(f"{name:36} {said[0]:>17} {said[1]:>17}")
    return {"score": name, "rank_correlation": alone, "given_parameters": given}


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--table", required=True, help="CSV of the published accuracies")
    parser.add_argument("--flows", type=int, default=20, help="live cells whose gradients are measured")
    parser.add_argument("--cells", type=int, default=1000, help="live cells whose accuracy is ranked")
    parser.add_argument("--seconds", type=float, default=float("inf"), help="time after which no further cell is taken")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--output", help="JSON lines")
    asked = parser.parse_args()
    cells = read(asked.table)
    records: list[dict[str, Any]] = [
        {"python": platform.python_version(), "machine": platform.machine(), "seed": asked.seed},
        {"dead_cells": dead_cells(cells)},
    ]
    live = [cell for cell in cells if not cell.dead]
    random.Random(asked.seed).shuffle(live)
    if asked.flows:
        records += [{"flow": row} for row in flows(live[: asked.flows])]
    columns: dict[str, list[float]] = {}
    accuracy: list[float] = []
    started = time.perf_counter()
    for cell in live[: asked.cells]:
        if time.perf_counter() - started > asked.seconds:
            break
        row = scores(cell.graph)
        for name, value in row.items():
            columns.setdefault(name, []).append(value)
        accuracy.append(cell.accuracy)
        records.append({"cell": cell.cell, "accuracy": cell.accuracy, "scores": row})
    if accuracy:
        took = time.perf_counter() - started
        print(f"\n{len(accuracy)} live cells, {took / len(accuracy):.2f} s each")
        records += [{"correlation": row} for row in correlations(columns, accuracy)]
    if asked.output:
        write_lines(Path(asked.output), records)


if __name__ == "__main__":
    main()
