"""How long static commands take as whole processes, beside Python alone and importing TensorFlow.

python -m tests.benchmarks.startup [--output docs/results/startup.json]
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import time
from datetime import date
from importlib.metadata import version
from pathlib import Path
from statistics import median

from tests.benchmarks._timing import process

RUNS = 9
COMMANDS = (
    "--help",
    "list",
    "show residual",
    "compare baseline residual --static",
    "diff baseline residual",
    "lint residual",
    "forecast residual",
    "explain residual",
    "memory residual",
    "check residual --max-params 1M",
    "export residual",
)


def measured(*arguments: str) -> dict[str, float]:
    """Medians over runs of the time on the clock and of the processor's, in seconds; a first run is not counted."""
    run = process(*arguments)
    run()
    clocks: list[float] = []
    processors: list[float] = []
    for _ in range(RUNS):
        before, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
        run()
        clocks.append(time.perf_counter() - started)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        processors.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    return {"seconds": round(median(clocks), 3), "fastest": round(min(clocks), 3), "cpu": round(median(processors), 3)}


def main() -> None:
    """Print the times, and keep them with the machine."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", type=Path)
    path = parser.parse_args().output
    rows = {
        "python -c pass": measured("-c", "pass"),
        **{f"archlab {command}": measured("-m", "archlab_cli", *command.split()) for command in COMMANDS},
        "python -c 'import tensorflow'": measured("-c", "import tensorflow"),
    }
    for name, row in rows.items():
        print(f"{name:<45} {row['seconds']:.3f} s, fastest {row['fastest']:.3f} s, processor {row['cpu']:.3f} s")
    if path:
        environment = {
            "processor": platform.machine(),
            "cores": os.cpu_count(),
            "python": platform.python_version(),
            "archlab": version("archlab"),
            "tensorflow": version("tensorflow"),
        }
        found = {"date": date.today().isoformat(), "runs": RUNS, "environment": environment, "rows": rows}
        path.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
