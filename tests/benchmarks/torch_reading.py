"""Reading and analysing a PyTorch module against torchinfo's summary and TorchLens's capture of the same module.

python -m tests.benchmarks.torch_reading [MODEL ...] [--rounds N]

By default ResNet-50 and ResNet-152 of torchvision, at 224 × 224, in turns in one process. Ours reads the module and
works out every static analysis: parameters, MACs, memory, receptive fields. torchinfo and TorchLens run the module.
"""

from __future__ import annotations

import argparse
import sys
import warnings
from collections.abc import Callable, Sequence
from typing import Any

from tests.benchmarks._timing import in_turns, report

_SHAPE = (3, 224, 224)


def main(arguments: Sequence[str]) -> int:
    """Print the ratios, and say whether ours takes at most the time of torchinfo."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.torch_reading", allow_abbrev=False)
    parser.add_argument("models", nargs="*", default=["resnet50", "resnet152"], metavar="MODEL")
    parser.add_argument("--rounds", type=int, default=5)
    asked = parser.parse_args(arguments)
    slower = 0
    for name in asked.models:
        times = in_turns(_contenders(name), asked.rounds)
        report(f"{name}, {asked.rounds} rounds", times, "torchinfo", "archlab at most 1 × torchinfo")
        slower += times["archlab"] > times["torchinfo"]
    return int(bool(slower))


def _contenders(name: str) -> dict[str, Callable[[], object]]:
    import torch
    import torchinfo
    from torchvision import models

    from archlab import analyze
    from archlab.torch_bridge import from_torch

    module = models.get_model(name, weights=None).eval()
    without_memory = models.get_model(name, weights=None).eval().to("meta")
    batch: Any = torch.zeros(1, *_SHAPE)
    contenders: dict[str, Callable[[], object]] = {
        "archlab": lambda: analyze(from_torch(module, _SHAPE)),
        "archlab, its text too": lambda: str(analyze(from_torch(module, _SHAPE))),
        "torchinfo": lambda: torchinfo.summary(module, (1, *_SHAPE), verbose=0, device="cpu"),
        "torchinfo, its text too": lambda: str(torchinfo.summary(module, (1, *_SHAPE), verbose=0, device="cpu")),
        "torchinfo, without memory": lambda: torchinfo.summary(without_memory, (1, *_SHAPE), verbose=0, device="meta"),
        "one pass of the module": lambda: _run(module, batch),
    }
    try:
        import torchlens
    except ImportError:
        return contenders

    def capture() -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            torchlens.trace(module, batch)

    return contenders | {"TorchLens": capture}


def _run(module: Any, batch: Any) -> None:
    import torch

    with torch.no_grad():
        module(batch)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
