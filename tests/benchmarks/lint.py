"""Lint against importing TensorFlow, and how many architectures it looks at a minute.

python -m tests.benchmarks.lint
"""

from __future__ import annotations

import time

from archlab import lint, load
from tests.benchmarks._timing import in_turns, process, report

_ARCHITECTURES = 1000
_OPERATIONS = ("skip_connect", "nor_conv_1x1", "nor_conv_3x3", "avg_pool_3x3")


def cell(number: int) -> str:
    """A cell of NAS-Bench-201: each number below 4⁶ is another network."""
    edges = [_OPERATIONS[number // 4**edge % 4] for edge in range(6)]
    nodes = edges[:1], edges[1:3], edges[3:]
    return "+".join("|" + "|".join(f"{name}~{source}" for source, name in enumerate(node)) + "|" for node in nodes)


def main() -> None:
    """Print the ratio and the rate."""
    contenders = {
        "archlab lint baseline residual": process("-m", "archlab_cli", "lint", "baseline", "residual"),
        "import tensorflow": process("-c", "import tensorflow"),
    }
    report(
        "Lint of both lecture models, the whole process", in_turns(contenders, 7), "import tensorflow", "at most 0.1"
    )
    start = time.perf_counter()
    for number in range(_ARCHITECTURES):
        lint(load(f"nas201:cell={cell(number)}"))
    rate = _ARCHITECTURES / (time.perf_counter() - start) * 60
    print(f"\nIn one process: {rate:,.0f} architectures a minute (to show: at least 1,000)")


if __name__ == "__main__":
    main()
