"""All static analyses, in-process, against what counts a PyTorch twin.

Needs torch, torchinfo, fvcore, ptflops and thop; those that are not installed are left out.

python -m tests.benchmarks.static [FILE.json]
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import platform
import sys
import warnings
from collections.abc import Callable
from datetime import date
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from archlab import Graph, analyze, load
from tests.benchmarks._timing import in_turns, report


def twin(blocks: tuple[int, ...]) -> Any:
    """A ResNet with bottleneck blocks in PyTorch."""
    from torch import nn

    class Bottleneck(nn.Module):
        def __init__(self, came: int, width: int, stride: int):
            super().__init__()
            self.body = nn.Sequential(
                nn.Conv2d(came, width, 1, stride), nn.BatchNorm2d(width), nn.ReLU(),
                nn.Conv2d(width, width, 3, padding=1), nn.BatchNorm2d(width), nn.ReLU(),
                nn.Conv2d(width, 4 * width, 1), nn.BatchNorm2d(4 * width),
            )  # fmt: skip
            same = came == 4 * width and stride == 1
            projection = nn.Sequential(nn.Conv2d(came, 4 * width, 1, stride), nn.BatchNorm2d(4 * width))
            self.shortcut = nn.Identity() if same else projection
            self.last = nn.ReLU()

        def forward(self, x: Any) -> Any:
            return self.last(self.body(x) + self.shortcut(x))

    layers: list[Any] = [nn.Conv2d(3, 64, 7, 2, 3), nn.BatchNorm2d(64), nn.ReLU(), nn.MaxPool2d(3, 2, 1)]
    came = 64
    for stage, repeats in enumerate(blocks):
        for block in range(repeats):
            width = 64 * 2**stage
            layers.append(Bottleneck(came, width, 2 if stage and not block else 1))
            came = 4 * width
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(came, 1000)).eval()


def peers(blocks: tuple[int, ...]) -> dict[str, Callable[[], object]]:
    """Each tool's own count of the twin; torch is imported and the twin built beforehand."""
    try:
        import torch
    except ImportError:
        return {}
    model, x = twin(blocks), torch.zeros(1, 3, 224, 224)
    found: dict[str, Callable[[], object]] = {}

    def quiet(run: Callable[[], object]) -> Callable[[], object]:
        def call() -> object:
            with contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings(), torch.no_grad():
                warnings.simplefilter("ignore")
                return run()

        return call

    with contextlib.suppress(ImportError):
        import torchinfo

        found["torchinfo"] = quiet(lambda: torchinfo.summary(model, input_size=(1, 3, 224, 224), verbose=0))
    with contextlib.suppress(ImportError):
        import fvcore.nn

        found["fvcore"] = quiet(lambda: fvcore.nn.FlopCountAnalysis(model, x).total())
    with contextlib.suppress(ImportError):
        import ptflops

        count = ptflops.get_model_complexity_info
        found["ptflops"] = quiet(lambda: count(model, (3, 224, 224), print_per_layer_stat=False))
    with contextlib.suppress(ImportError):
        import thop

        found["thop"] = quiet(lambda: thop.profile(model, inputs=(x,), verbose=False))
    return found


def main() -> None:
    """Print the ratios, and keep the times with the versions."""
    rows: dict[str, dict[str, float]] = {}
    for name, blocks in (("resnet50", (3, 4, 6, 3)), ("resnet152", (3, 8, 36, 3))):
        tree = load(name).tree
        assert tree is not None
        graph = tree.to_graph()
        ours: dict[str, Callable[[], object]] = {
            # A graph remembers what has been worked out about it: a fresh one of the same nodes each time.
            "archlab, all analyses of a graph": lambda graph=graph: analyze(Graph(graph.nodes, graph.outputs)),
            "archlab, from the tree on": lambda tree=tree: analyze(tree),
        }
        times = in_turns(ours | peers(blocks), 9)
        yardstick = "torchinfo" if "torchinfo" in times else next(iter(ours))
        rows[name] = {tool: round(seconds, 6) for tool, seconds in times.items()}
        report(f"All static analyses of {name}, in-process", times, yardstick, "at most 0.05 of torchinfo")
    if len(sys.argv) > 1:
        found = {"date": date.today().isoformat(), "environment": environment(), "rows": rows}
        Path(sys.argv[1]).write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


def environment() -> dict[str, Any]:
    """What the times depend on."""
    found: dict[str, Any] = {"cores": os.cpu_count(), "python": platform.python_version()}
    for name in ("archlab", "torch", "torchinfo", "fvcore", "ptflops", "thop"):
        with contextlib.suppress(PackageNotFoundError):
            found[name] = version(name)
    return found


if __name__ == "__main__":
    main()
