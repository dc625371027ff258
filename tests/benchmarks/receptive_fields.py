"""Receptive fields of Araujo et al. 2019 (Distill) against networks of Keras, torchvision and timm.

python -m tests.benchmarks.receptive_fields TABLE FILE

TABLE has the columns `network`, `resolution`, `end_point`, `receptive_field`, `effective_stride`, `effective_padding`:
end points of the models of TF-Slim. The size and the stride of each have to be met in their order among the layers of a
network of the same family, and with a padding that is known, the start as well. Where collections differ from TF-Slim
in what their networks do, `why` says in what. FILE gets a line of JSON for each network and reference.
"""

from __future__ import annotations

import csv
import json
import platform
import sys
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

LAST_UNIT = "TF-Slim strides in the last unit of a block, this network in the first of the next"
FAMILIES: dict[str, dict[str, str]] = {
    "alexnet_v2": {"torchvision:alexnet": ""},
    "vgg_a": {"torchvision:vgg11": "", "timm:vgg11": ""},
    "vgg_16": {"keras:VGG16": "", "torchvision:vgg16": "", "timm:vgg16": ""},
    "inception_v3": {"keras:InceptionV3": "", "torchvision:inception_v3": "", "timm:inception_v3": ""},
    "inception_v4": {"timm:inception_v4": ""},
    "inception_resnet_v2": {"keras:InceptionResNetV2": "", "timm:inception_resnet_v2": ""},
    "mobilenet_v1": {"keras:MobileNet": "", "timm:mobilenetv1_100": ""},
    "mobilenet_v1_075": {"keras:MobileNet:alpha=0.75": ""},
    **{f"resnet_v1_{depth}": {f"keras:ResNet{depth}": LAST_UNIT} for depth in (50, 101, 152)},
    **{f"resnet_v2_{depth}": {f"keras:ResNet{depth}V2": ""} for depth in (50, 101, 152)},
}
"""By the table's name: references, each with why its strides are others; '' where nothing is."""


def main(arguments: Sequence[str]) -> int:
    """Compare every family, and say whether all end points are met or explained."""
    table, file = map(Path, arguments)
    with table.open(encoding="utf-8") as lines:
        rows = list(csv.DictReader(lines))
    about = {name: version(name) for name in ("keras", "torchvision", "timm")}
    found: list[dict[str, Any]] = [{"environment": {"python": platform.python_version(), **about}}]
    for network, references in FAMILIES.items():
        own = [row for row in rows if row["network"] == network and not row["resolution"]]
        for reference, why in references.items():
            found.append(compared(network, own, reference, why))
            print(found[-1], flush=True)
    file.write_text("".join(json.dumps(row) + "\n" for row in found), encoding="utf-8")
    return int(any(row.get("missed") for row in found))


def compared(network: str, rows: Sequence[dict[str, str]], reference: str, why: str = "") -> dict[str, Any]:
    """Which end points of a network are met, in their order, among the layers of another."""
    from archlab import analyze

    layers = analyze(reference).receptive_field.layers
    met = [(row.size[0], row.stride[0], row.start and row.start[0]) for row in layers if row.size and row.stride]
    place, missed, padded = 0, [], 0
    for row in rows:
        size, stride, padding = (row[key] for key in ("receptive_field", "effective_stride", "effective_padding"))
        wanted = int(size), None if why else int(stride)
        at = next((n for n in range(place, len(met)) if _same(met[n], wanted)), None)
        if at is None:
            missed.append(row["end_point"])
            continue
        place = at
        same = [each for each in met[at:] if _same(each, wanted)]
        padded += padding != "" and any(each[2] == -int(padding) for each in same)
    return {
        "network": network,
        "reference": reference,
        "end_points": len(rows),
        "met": len(rows) - len(missed),
        "with_padding": sum(row["effective_padding"] != "" for row in rows),
        "padding_met": padded,
        "missed": missed,
        "why": why,
    }


def _same(met: tuple[Any, ...], wanted: tuple[int, int | None]) -> bool:
    return met[0] == wanted[0] and (wanted[1] is None or met[1] == wanted[1])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
