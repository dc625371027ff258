"""How the static analyses grow with depth, in a process that holds nothing else.

python -m tests.benchmarks.growth
"""

from __future__ import annotations

from archlab import BatchNorm, Conv, Input, Part, ReLU, analyze
from tests.benchmarks._timing import in_turns, report


def main() -> None:
    """Print the ratios."""
    unit: Part = Conv(16, bias=False) >> BatchNorm() >> ReLU()
    nets = {f"{3 * n:,} layers": (lambda n=n: analyze(Input(32, 32, 16) >> unit * n)) for n in (111, 1_111, 3_334)}
    times = in_turns(nets, 5)
    report("Growth with depth", times, "333 layers", "30 times the layers, about 30 times the time")


if __name__ == "__main__":
    main()
