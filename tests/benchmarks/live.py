"""From a live Keras model to all static analyses, against what `tf.profiler` takes for float operations alone.

python -m tests.benchmarks.live
"""

from __future__ import annotations

from archlab import analyze
from archlab.bridge import load_keras
from tests.benchmarks._timing import in_turns, report
from tests.oracles import profiler


def main() -> None:
    """Print the ratios."""
    _, keras = load_keras()
    for name in ("ResNet50", "ResNet152"):
        model = getattr(keras.applications, name)(weights=None)
        contenders = {
            "archlab.analyze": lambda m=model: analyze(m),
            "tf.profiler": lambda m=model: profiler.float_operations(m),
        }
        times = in_turns(contenders, 2)
        report(f"{name}, live", times, "tf.profiler", "at most 0.02")


if __name__ == "__main__":
    main()
