"""How many modules `torch.export` traces, and how fast, beside the recorder that archlab reads modules with.

python -m tests.benchmarks.torch_export [--timm N] [--only TEXT]

Every classification model of torchvision, and so many of timm at their own image size, all without memory for their
weights (the meta device). What one of both cannot read is printed with the reason. Both are timed on the same module,
archlab's time with the graph that it makes of what it has recorded.
"""

from __future__ import annotations

import argparse
import sys
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from statistics import median
from typing import Any


def main(arguments: Sequence[str]) -> int:
    """Print a line for each module that is not read by both, and the summary."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.torch_export", allow_abbrev=False)
    parser.add_argument("--timm", type=int, default=100, metavar="N")
    parser.add_argument("--only", default="", metavar="TEXT")
    asked = parser.parse_args(arguments)
    warnings.simplefilter("ignore")
    times: dict[str, list[float]] = {"archlab": [], "torch.export": []}
    count, ratios = 0, list[float]()
    for name, make, shape in _models(asked.timm):
        if asked.only not in name:
            continue
        count += 1
        module = make()
        taken = {
            reader: _timed(name, reader, partial(read, module, shape))
            for reader, read in (("archlab", _recorded), ("torch.export", _exported))
        }
        for reader, seconds in taken.items():
            times[reader].extend([] if seconds is None else [seconds])
        if (ours := taken["archlab"]) and (theirs := taken["torch.export"]):
            ratios.append(theirs / ours)
    for reader, seconds in times.items():
        print(f"{reader}: {len(seconds)} of {count} read, median {1000 * median(seconds):.0f} ms")
    print(f"torch.export takes {median(ratios):.1f} times as long as archlab, in the median of {len(ratios)}")
    return 0


def _timed(name: str, reader: str, read: Callable[[], object]) -> float | None:
    start = time.perf_counter()
    try:
        read()
    except Exception as error:  # what either cannot read is what is asked
        print(f"{name}: {reader} fails: {type(error).__name__}: {' '.join(str(error).split())[:160]}", flush=True)
        return None
    return time.perf_counter() - start


def _recorded(module: Any, shape: tuple[int, ...]) -> object:
    from archlab.torch_bridge import from_torch

    return from_torch(module, shape)


def _exported(module: Any, shape: tuple[int, ...]) -> object:
    import torch

    return torch.export.export(module, (torch.empty(1, *shape, device="meta"),))


def _models(most: int) -> Iterator[tuple[str, Callable[[], Any], tuple[int, ...]]]:
    import timm
    import torch
    from torchvision import models

    def without_memory(make: Callable[[], Any]) -> Any:
        try:
            with torch.device("meta"):
                return make().eval()
        except NotImplementedError:  # it computes its widths with tensors
            return make().eval().to("meta")

    for name in models.list_models(module=models):
        side = 299 if name == "inception_v3" else 224
        yield f"torchvision:{name}", lambda name=name: without_memory(lambda: models.get_model(name)), (3, side, side)
    names = timm.list_models()
    for name in names[:: max(1, len(names) // most)] if most else ():
        shape = timm.get_pretrained_cfg(name)
        size = tuple(shape.input_size) if shape is not None else (3, 224, 224)
        yield f"timm:{name}", lambda name=name: without_memory(lambda: timm.create_model(name)), size


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
