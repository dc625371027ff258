"""Whole processes against importing TensorFlow.

python -m tests.benchmarks.startup
"""

from __future__ import annotations

from tests.benchmarks._timing import in_turns, process, report


def main() -> None:
    """Print the ratios."""
    static = process("-m", "archlab_cli", "compare", "baseline", "residual", "--static")
    times = in_turns({"compare --static": static, "import tensorflow": process("-c", "import tensorflow")}, 7)
    report("A static comparison, the whole process", times, "import tensorflow", "at most 0.08")
    whole = process("-m", "archlab_cli", "compare", "baseline", "residual")
    importing = process("-c", "import tensorflow, keras")
    times = in_turns({"compare": whole, "import tensorflow, keras": importing}, 5)
    report("The full comparison with gradients, the whole process", times, "import tensorflow, keras", "at most 3")


if __name__ == "__main__":
    main()
