"""Generates the tables of the page on PyTorch models from the results that benchmarks keep.

`python docs/torch_results.py` prints them; `--write` puts them into the page, between the marks that name them.
"""

from __future__ import annotations

import argparse
import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent / "results"
PAGE = Path(__file__).parent / "how-to" / "pytorch-models.md"
KINDS = {"convolutional": "convolutional", "with attention": "with attention", "neither": "neither (MLPs)"}


def rows(name: str, key: str) -> list[dict[str, Any]]:
    """The rows of a file, without the line of its environment."""
    lines = map(json.loads, (FOLDER / name).read_text(encoding="utf-8").splitlines())
    return [line for line in lines if key in line]


def timm() -> Iterator[str]:
    """How many of timm's models are read, and whose counts agree, by kind."""
    found = rows("timm.jsonl", "model")
    read = [row for row in found if "parameters" in row]
    yield "| kind | models | rows | parameters = `numel` | MACs = `FlopCounterMode` | with unknown layers |"
    yield "| --- | --- | --- | --- | --- | --- |"
    for kind, title in KINDS.items():
        own = [row for row in read if row["kind"] == kind]
        counted = [row for row in own if row["torch_macs"] is not None]
        cells = (
            title,
            _models(own),
            len(own),
            sum(row["parameters"] == row["numel"] for row in own),
            f"{sum(row['macs'] == row['torch_macs'] for row in counted):,} of {len(counted):,}",
            sum(any(row["unknown"]) for row in own),
        )
        yield _line(cells)
    missing = Counter(_reason(row["error"]) for row in found if "error" in row)
    if missing:
        yield ""
        yield f"Not read: {'; '.join(f'{count} ({why})' for why, count in missing.most_common())}."


def explained() -> Iterator[str]:
    """Why MACs differ from timm's published GMACs, by kind."""
    read = [row for row in rows("timm.jsonl", "model") if "parameters" in row]
    yield "| against the published GMACs | convolutional | with attention | neither | ours / published |"
    yield "| --- | --- | --- | --- | --- |"
    for why, own in _by_explanation(read).items():
        each = Counter(row["kind"] for row in own)
        ratios = sorted(row["ratio"] for row in own if row["ratio"])
        yield _line((why, *[each[kind] for kind in KINDS], f"{ratios[0]:.3f} … {ratios[-1]:.3f}" if ratios else ""))


def _by_explanation(read: list[dict[str, Any]]) -> Mapping[str, list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = {}
    for row in read:
        found.setdefault(row["explained"], []).append(row)
    return dict(sorted(found.items(), key=lambda item: -len(item[1])))


def torchvision() -> Iterator[str]:
    """The classification models of torchvision against FlopCounterMode and fvcore."""
    found = rows("torchvision.jsonl", "model")
    yield "| compared with | models | equal |"
    yield "| --- | --- | --- |"
    yield _line(("`FlopCounterMode`", len(found), sum(row["macs"] == row["torch_macs"] for row in found)))
    plain = [row for row in found if not row["fvcore_misses"]]
    yield _line(
        (
            "fvcore's products, no fused attention",
            len(plain),
            sum(row["macs"] == row["fvcore_products"] for row in plain),
        )
    )
    fused = [row for row in found if row["fvcore_misses"]]
    yield _line(
        ("fvcore's products and fused attention, which it leaves out", len(fused),
         sum(not row["fvcore_left"] for row in fused))
    )  # fmt: skip
    others: Counter[str] = Counter(kind for row in found for kind in row["fvcore_others"])
    yield ""
    yield f"fvcore adds: {', '.join(f'`{kind}` in {count}' for kind, count in others.most_common())}."


def receptive_fields() -> Iterator[str]:
    """End points of TF-Slim's networks that are met in those of the collections."""
    yield "| network | reference | end points met | with their padding |"
    yield "| --- | --- | --- | --- |"
    for row in rows("receptive_fields.jsonl", "network"):
        padded = f"{row['padding_met']} of {row['with_padding']}" if row["with_padding"] else "–"
        mark = " (size alone)" if row["why"] else ""
        yield _line((row["network"], f"`{row['reference']}`", f"{row['met']} of {row['end_points']}{mark}", padded))


def gradients() -> Iterator[str]:
    """Predicted against measured activation gradients of PyTorch's networks."""
    yield "| network | px | layers | slope, measured | predicted | within 2× | kernels within 2× | reliable |"
    yield "| --- | --- | --- | --- | --- | --- | --- | --- |"
    found = rows("torch_gradients.jsonl", "network")
    for row in found:
        yield _line(
            (
                f"`{row['network']}`",
                row["side"],
                row["layers"],
                _slope(row["slope"]),
                _slope(row["predicted"]),
                f"{row['within_2']:.0%}".replace("%", " %"),
                f"{row['kernels_within_2']:.0%}".replace("%", " %"),
                "yes" if row["reliable"] else "no",
            )
        )

    off = [f"`{row['network']}`" for row in found if row["reliable"] and not row["slope_fits"]]
    yield ""
    yield f"The slope is within 0.02 or 15 % in {sum(row['slope_fits'] for row in found)} of {len(found)} networks."
    yield f"Said to be reliable, and off by more: {', '.join(off) or 'none'}."


def _slope(value: float | None) -> str:
    return "–" if value is None else f"{value:+.3f}".replace("-", "−")


def _models(own: list[dict[str, Any]]) -> int:
    return len({row["model"] for row in own})


def _reason(error: str) -> str:
    return error.rpartition(": ")[2] if "its forward fails" in error else error


def _line(cells: tuple[object, ...]) -> str:
    return f"| {' | '.join(f'{cell:,}' if isinstance(cell, int) else str(cell) for cell in cells)} |"


TABLES = {table.__name__: table for table in (timm, explained, torchvision, receptive_fields, gradients)}


def written(page: str) -> str:
    """The page with every table as the results have it now."""
    for name, table in TABLES.items():
        lines = "\n".join(table())
        page = re.sub(
            rf"(<!-- table {name} -->\n).*?(\n<!-- end -->)",
            lambda found, lines=lines: f"{found[1]}\n{lines}\n{found[2]}",
            page,
            flags=re.DOTALL,
        )
    return page


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("tables", nargs="*", metavar="TABLE", help=", ".join(TABLES))
    parser.add_argument("--write", action="store_true")
    arguments = parser.parse_args()
    if unknown := {*arguments.tables} - {*TABLES}:
        parser.error(f"no table named {', '.join(sorted(unknown))}: there are {', '.join(TABLES)}")
    if arguments.write:
        PAGE.write_text(written(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
    else:
        for name in arguments.tables or TABLES:
            print(*TABLES[name](), sep="\n", end="\n\n")
