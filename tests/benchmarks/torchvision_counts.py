"""MACs of torchvision's classification models against PyTorch's `FlopCounterMode` and against fvcore.

python -m tests.benchmarks.torchvision_counts FILE [MODEL ...]

FILE gets a line of JSON for each model; one that it has is not counted again, so that the run can be stopped at any
time. fvcore runs the model with its weights, which takes gigabytes for the largest. FlopCounterMode and archlab count
the multiply–accumulates of every product. fvcore counts besides, and leaves out, what stands in its own columns: what
is left of the difference has to be 0.
"""

from __future__ import annotations

import json
import logging
import platform
import sys
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

from tests.benchmarks.timm_table import fvcore_more, torch_macs

_PRODUCTS = ("conv", "linear", "addmm", "matmul", "bmm", "mm", "einsum")


def main(arguments: Sequence[str]) -> int:
    """Count what is missing, and say whether every model agrees with both."""
    from torchvision import models

    file, chosen = Path(arguments[0]), arguments[1:] or models.list_models(module=models)
    kept = stored(file)
    for name in chosen:
        if name not in kept:
            kept[name] = counted(name)
            print(name, kept[name], flush=True)
            _write(file, kept)
    return int(any(row["macs"] != row["torch_macs"] or row["fvcore_left"] for row in kept.values()))


def stored(file: Path) -> dict[str, dict[str, Any]]:
    """The rows in a file by model."""
    lines = file.read_text(encoding="utf-8").splitlines() if file.is_file() else []
    return {row["model"]: row for row in map(json.loads, lines) if "model" in row}


def _write(file: Path, rows: dict[str, dict[str, Any]]) -> None:
    about = {name: version(name) for name in ("torch", "torchvision", "fvcore")}
    lines = [{"environment": {"python": platform.python_version(), **about}}, *[rows[name] for name in sorted(rows)]]
    file.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")


def counted(name: str) -> dict[str, Any]:
    """Our count of a model's MACs, PyTorch's, and fvcore's in what it shares with them and what it does not."""
    import torch
    from fvcore.nn import FlopCountAnalysis
    from torchvision import models

    from archlab import analyze
    from archlab.torch_bridge import from_torch, torchvision_model

    found = torchvision_model(name, {}, name)
    macs = analyze(from_torch(found.built.module, found.input)).compute.macs
    logging.getLogger("fvcore").setLevel(logging.ERROR)
    made = models.get_model(name, weights=None, **({"init_weights": False} if _draws_slowly(name) else {})).eval()
    counter = FlopCountAnalysis(made, torch.zeros(1, *found.input))
    counter.unsupported_ops_warnings(False).uncalled_modules_warnings(False)
    by_operator = {kind: int(count) for kind, count in counter.by_operator().items() if count}
    products = sum(count for kind, count in by_operator.items() if kind in _PRODUCTS)
    others = {kind: count for kind, count in by_operator.items() if kind not in _PRODUCTS}
    more = fvcore_more(made, found.input)
    return {
        "model": name,
        "macs": macs,
        "torch_macs": torch_macs(found.built.module, found.input),
        "fvcore": int(counter.total()),
        "fvcore_products": products,
        "fvcore_others": others,
        "fvcore_misses": -more.get("fused attention", 0),
        "fvcore_left": macs - products + more.get("fused attention", 0),
    }


def _draws_slowly(name: str) -> bool:
    """Whether a model draws its weights from a truncated normal distribution one by one, by scipy."""
    return name in ("googlenet", "inception_v3")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
