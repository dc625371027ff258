"""Models that strangers published, against Keras and TensorFlow: parameters, MACs, unknown layers, gradients.

python -m tests.benchmarks.collections [--only TEXT] [--output FILE] [--largest MILLIONS]

Every model of `tests/collection_models.py`: keras-hub's backbones and tasks of small sizes, kimm's architectures, and
those of keras-unet-collection. What is not installed is left out, and named. Parameters are compared with Keras's
count, multiply–accumulates with those in TensorFlow's graph, the norm of the gradient of every variable with that of a
plain `tf.GradientTape` (in models of at most `--largest` million parameters, 30 by default). `--only` takes those whose
name holds the text. A few models a process, so that memory stays small. Half an hour. Leaves with 1 where a number
differs that no unknown layer explains, or where a model fails.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import os
import platform
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Any

from tests.collection_models import COLLECTIONS, models
from tests.oracles.collections import CLOSE, Compared, compared

_AT_ONCE = 6
_ROW = "row: "
Row = dict[str, Any]


def main(arguments: Sequence[str]) -> int:
    """Print a line a model and a summary, and say whether all is well."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.collections", allow_abbrev=False)
    parser.add_argument("--only", metavar="TEXT", default="")
    parser.add_argument("--output", metavar="FILE", type=Path)
    parser.add_argument("--largest", metavar="MILLIONS", type=float, default=30.0)
    parser.add_argument("--names", nargs="+", help=argparse.SUPPRESS)
    asked = parser.parse_args(arguments)
    if asked.names:
        _measure(asked.names, asked.largest * 1e6)
        return 0
    rows: list[Row] = []
    for row in _measured(list(_names(asked.only)), asked.largest):
        rows.append(row)
        print(_line(row), flush=True)
    print(_summary(rows))
    if asked.output:
        packages = {name: version(name) for name in ("keras", "tensorflow", *_installed())}
        environment = {"python": platform.python_version(), "machine": platform.machine(), **packages}
        asked.output.write_text(json.dumps({"environment": environment, "rows": rows}, indent=1) + "\n")
    return int(not rows or any(_is_wrong(row) for row in rows))


def _installed() -> Iterator[str]:
    for collection in COLLECTIONS:
        with contextlib.suppress(ImportError):
            models(collection)
            yield collection.replace("_", "-")


def _names(only: str) -> Iterator[str]:
    for collection in COLLECTIONS:
        try:
            found = models(collection)
        except ImportError as error:
            print(f"{collection} is left out: {error}")
            continue
        yield from (name for each in found if only.lower() in (name := f"{collection}/{each}").lower())


def _measured(names: Sequence[str], largest: float) -> Iterator[Row]:
    """The rows of models, from processes that end after a few."""
    left = list(names)
    while left:
        group = left[:_AT_ONCE]
        command = [sys.executable, "-m", "tests.benchmarks.collections", "--largest", str(largest), "--names", *group]
        environment = os.environ | {"TF_CPP_MIN_LOG_LEVEL": "3", "PYTHONWARNINGS": "ignore"}
        ran = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
        rows = [json.loads(line.removeprefix(_ROW)) for line in ran.stdout.splitlines() if line.startswith(_ROW)]
        yield from rows
        if len(rows) < len(group):
            # The process ended while it measured the next one.
            said = (ran.stderr.strip().splitlines() or [""])[-1]
            yield {"name": group[len(rows)], "failed": f"the process ended with {ran.returncode}: {said}"}
        left = left[min(len(rows) + 1, len(group)) :]


def _measure(names: Iterable[str], largest: float) -> None:
    """Measure models in this process, and print a row for each."""
    import keras

    for name in names:
        collection, _, each = name.partition("/")
        start = time.perf_counter()
        row: Row = {"name": name}
        try:
            with contextlib.redirect_stdout(io.StringIO()):  # keras-unet-collection prints what it works out
                row |= asdict(compared(models(collection)[each](), largest))
        except Exception as error:  # somebody's model: whatever it raises is its row
            row["failed"] = f"{type(error).__name__}: {' '.join(str(error).split())[:300]}"
        row["seconds"] = round(time.perf_counter() - start, 1)
        print(_ROW + json.dumps(row), flush=True)
        keras.backend.clear_session()


def _read(row: Row) -> Compared | None:
    """The comparison in a row; None of a model that failed."""
    if "failed" in row:
        return None
    return Compared(**{key: value for key, value in row.items() if key not in ("name", "seconds")})


def _is_wrong(row: Row) -> bool:
    """Whether a number differs that no unknown layer explains."""
    found = _read(row)
    if found is None or not found.same_parameters:
        return True
    if found.gradient_difference is not None and not found.same_gradients:
        return True
    if found.unknown:  # a lower bound
        return None not in (found.macs, found.tensorflow_macs) and (found.macs or 0) > (found.tensorflow_macs or 0)
    return found.tensorflow_macs is not None and not found.same_macs


def _line(row: Row) -> str:
    found = _read(row)
    if found is None:
        return f"{row['name']:<48} FAILED   {row['failed']}"
    difference = found.gradient_difference
    gradient = "   -   " if difference is None else f"{difference:7.1e}"
    counted = "loops" if found.tensorflow_macs is None else f"{found.tensorflow_macs:,}"
    line = (
        f"{row['name']:<48} {'DIFFERS' if _is_wrong(row) else 'same':<8} {found.parameters:>12,} parameters "
        f"(Keras {found.keras_parameters:,})  {found.macs or 0:>14,} MACs (TensorFlow {counted})  "
        f"gradients {gradient}  {row['seconds']:.1f} s"
    )
    return "\n".join([line, *[f"    unknown: {each}" for each in found.unknown]])


def _summary(rows: Sequence[Row]) -> str:
    read = [found for row in rows if (found := _read(row))]
    taken = [found for found in read if found.gradient_difference is not None]
    counted = [found for found in read if found.tensorflow_macs is not None]
    unknown = sum(bool(found.unknown) for found in read)
    return "\n".join([
        f"{len(rows)} models, of which {len(rows) - len(read)} failed",
        f"{sum(found.same_parameters for found in read)} of {len(read)} with Keras's parameters",
        f"{sum(found.same_macs for found in counted)} of {len(counted)} with TensorFlow's MACs",
        f"{unknown} of {len(read)} with unknown layers ({100 * unknown / max(1, len(read)):.1f} %; to show: 5 %)",
        f"{sum(found.same_gradients for found in taken)} of {len(taken)} with gradients within {CLOSE:g}",
    ])  # fmt: skip


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
