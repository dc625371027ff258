"""Predicted against measured gradients of PyTorch's networks: torchvision's and timm's, as their own code draws them.

python -m tests.benchmarks.torch_prediction FILE [MODEL ...]

Each network is predicted from its graph, and measured by autograd under three initializations, on the same synthetic
images. FILE gets a line of JSON for each network; one that it has is not measured again. `slope_fits` is within 0.02
decades a layer, or 15 %; `within_2` is the share of the layers with a kernel whose activation gradient is predicted
within a factor of 2, `kernels_within_2` the same of the kernel gradient.
"""

from __future__ import annotations

import json
import platform
import sys
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

from tests.benchmarks.prediction import score

NETS = {
    "torchvision:resnet18": 96, "torchvision:resnet50": 96, "torchvision:resnext50_32x4d": 64,
    "torchvision:vgg11": 224, "torchvision:vgg11_bn": 224, "torchvision:alexnet": 224, "torchvision:squeezenet1_1": 96,
    "torchvision:mobilenet_v2": 96, "torchvision:mobilenet_v3_small": 96, "torchvision:shufflenet_v2_x1_0": 96,
    "torchvision:densenet121": 64, "torchvision:regnet_y_400mf": 64, "torchvision:efficientnet_b0": 64,
    "torchvision:mnasnet0_5": 96, "torchvision:convnext_tiny": 64, "timm:resnet26d": 96,
    "timm:repvgg_a0": 64, "timm:nf_resnet26": 64,
}  # fmt: skip


def main(arguments: Sequence[str]) -> int:
    """Measure what is missing."""
    file, chosen = Path(arguments[0]), arguments[1:] or list(NETS)
    lines = file.read_text(encoding="utf-8").splitlines() if file.is_file() else []
    kept = {row["network"]: row for row in map(json.loads, lines) if "network" in row}
    for name in chosen:
        if name not in kept:
            kept[name] = measured(name, NETS.get(name, 96))
            print(kept[name], flush=True)
            about = {package: version(package) for package in ("torch", "torchvision", "timm")}
            ordered = [{"environment": {"python": platform.python_version(), **about}}, *kept.values()]
            file.write_text("".join(json.dumps(row) + "\n" for row in ordered), encoding="utf-8")
    return 0


def measured(name: str, side: int) -> dict[str, Any]:
    """The slope of a network's activation gradient as predicted and as measured, and how its layers compare."""
    from archlab import gradient_flow, load, predict_gradient_flow

    architecture = load(name, input=(side, side))
    prediction, flow = predict_gradient_flow(architecture), gradient_flow(architecture, seeds=3)
    found = score(prediction, flow)
    return {
        "network": name,
        "side": side,
        "layers": found.layers,
        "slope": _rounded(found.slope),
        "predicted": _rounded(found.predicted),
        "slope_fits": found.slope_fits,
        "rank": _rounded(found.rank),
        "within_2": _rounded(found.error),
        "kernels_within_2": _rounded(found.kernel),
        "verdicts": list(found.verdicts),
        "reliable": prediction.reliable,
    }


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 4)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
