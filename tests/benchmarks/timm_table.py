"""The models of timm's published table: parameters against PyTorch's own count, MACs against the table.

python -m tests.benchmarks.timm_table TABLE [--output FILE] [--minutes N] [--largest MILLIONS]

TABLE has the columns `model`, `image_size`, `param_count_m` and `gmacs`. Every model that the installed timm knows is
built without memory and read at the table's image size, those of few GMACs first where `--minutes` ends it early. A
line of JSON a model; a model that cannot be read has its error there. The table's GMACs also count products of
normalization, pooling and resizing, and leave out the products of some attention.
"""

from __future__ import annotations

import argparse
import csv
import json
import platform
import sys
import time
from collections import Counter
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

_CLOSE = 0.02
"""MACs within this share of the table's, or within the table's rounding, agree."""


def main(arguments: Sequence[str]) -> int:
    """Print a summary, and say whether every model that was read has as many parameters as PyTorch counts."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.timm_table", allow_abbrev=False)
    parser.add_argument("table", type=Path)
    parser.add_argument("--output", metavar="FILE", type=Path)
    parser.add_argument("--minutes", metavar="N", type=float, default=60.0)
    parser.add_argument("--largest", metavar="MILLIONS", type=float, default=400.0)
    asked = parser.parse_args(arguments)
    import timm

    known = set(timm.list_models())
    with asked.table.open(encoding="utf-8") as file:
        rated = [row for row in csv.DictReader(file) if row["gmacs"]]
    listed = [row for row in rated if row["model"].partition(".")[0] in known]
    chosen = sorted((r for r in listed if float(r["param_count_m"]) <= asked.largest), key=lambda r: float(r["gmacs"]))
    end = time.monotonic() + 60 * asked.minutes
    rows: list[dict[str, Any]] = []
    for row in chosen:
        if time.monotonic() > end:
            break
        rows.append(_read(row))
    if asked.output:
        about = {name: version(name) for name in ("torch", "timm")}
        lines = [{"environment": {"python": platform.python_version(), **about, "listed": len(listed)}}, *rows]
        asked.output.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    print(summary(rows, len(listed)))
    return int(not rows or any(row["parameters"] != row["numel"] for row in rows if "error" not in row))


def _read(row: dict[str, str]) -> dict[str, Any]:
    """One model, read at the table's image size."""
    import torch

    from archlab import analyze
    from archlab.errors import ArchlabError
    from archlab.torch_bridge import from_torch, timm_model

    size = int(row["image_size"])
    found: dict[str, Any] = {"model": row["model"], "size": size, "table_gmacs": float(row["gmacs"])}
    try:
        made = timm_model(row["model"], {}, row["model"]).built
        parts = list(made.module.modules())
        attention = any("attention" in type(part).__name__.lower() for part in parts)
        convolutions = sum(isinstance(part, torch.nn.Conv2d) for part in parts)
        analysis = analyze(from_torch(made.module, (3, size, size), made.starts))
    except ArchlabError as error:
        return found | {"error": str(error)}
    return found | {
        "kind": "with attention" if attention else "convolutional" if convolutions > 1 else "other",
        "parameters": analysis.params.total,
        "numel": sum(parameter.numel() for parameter in made.module.parameters()),
        "gmacs": round(analysis.compute.macs / 1e9, 4),
        "unknown": len(analysis.unknown),
    }


def summary(rows: Sequence[dict[str, Any]], listed: int) -> str:
    """How many models were read and agree, by kind, and those that do not."""
    read = [row for row in rows if "error" not in row]
    lines = [f"{listed} models of the table are known to timm; {len(rows)} tried, {len(read)} read"]
    for kind, count in sorted(Counter(row["kind"] for row in read).items()):
        own = [row for row in read if row["kind"] == kind]
        exact = sum(row["parameters"] == row["numel"] for row in own)
        close = sum(_agrees(row) for row in own)
        unknown = sum(bool(row["unknown"]) for row in own)
        lines.append(f"{kind}: {count}; parameters exact {exact}; MACs agree {close}; with unknown layers {unknown}")
    lines += [f"  not read: {row['model']}: {row['error']}" for row in rows if "error" in row]
    for row in read:
        if not _agrees(row):
            lines.append(f"  {row['kind']}: {row['model']}: {row['gmacs']} GMACs, {row['table_gmacs']} in the table")
    return "\n".join(lines)


def _agrees(row: dict[str, Any]) -> bool:
    return abs(row["gmacs"] - row["table_gmacs"]) <= max(_CLOSE * row["table_gmacs"], 0.0051)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
