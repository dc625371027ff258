"""Every model of `keras.applications` drawn at all three levels, each layer in one box.

python -m tests.benchmarks.drawing [NAME…]

Times are of the picture and its layout as SVG, after the analysis. Takes minutes, most of them Keras's, for building.
Leaves with 1 where a picture is wrong.
"""

from __future__ import annotations

import inspect
import sys
import time

from archlab import analyze, load
from archlab.bridge import load_keras
from archlab.rendering import LEVELS, draw
from tests.rendering.test_graph import check


def main(arguments: list[str]) -> int:
    """Print a line a model."""
    _, keras = load_keras()
    wrong = 0
    for name, build in vars(keras.applications).items():
        if not inspect.isfunction(build) or (arguments and name not in arguments):
            continue
        graph = load(f"keras:{name}").graph
        analyze(graph)
        said = []
        for level in LEVELS:
            start = time.perf_counter()
            drawing = draw(graph, level, name=name)
            svg = drawing.svg
            seconds = time.perf_counter() - start
            try:
                check(drawing.picture, graph)
            except AssertionError as error:
                wrong += 1
                said.append(f"WRONG: {error}")
            boxes = len(drawing.picture.boxes)
            said.append(f"{level} {boxes:>4} boxes {1e3 * seconds:7.1f} ms {len(svg) / 1e3:6.0f} kB")
        print(f"{name:<20} {len(graph):>5} layers  {'  '.join(said)}", flush=True)
        keras.backend.clear_session()
    print(f"{wrong} wrong")
    return min(wrong, 1)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
