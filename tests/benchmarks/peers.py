"""What other tools print of ResNet-50, beside a count from the shapes of its kernels.

python -m tests.benchmarks.peers torch docs/results/peers.json
python -m tests.benchmarks.peers keras docs/results/peers.json

A process each: PyTorch and TensorFlow in one may crash. Runs whichever of the tools are installed, and archlab; every
tool gets the same network, on one image of 224 × 224 pixels. The date, the versions and what failed are kept with the
values.
"""

from __future__ import annotations

import collections
import collections.abc
import json
import os
import platform
import sys
import time
import warnings
from collections.abc import Callable
from datetime import date
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

SIZE = 224
COUNTED = "counted from the kernels"

Values = dict[str, float | str | None]


def counted(module: Any, image: Any) -> Values:
    """Parameters and MACs from kernels and the shapes that a forward pass makes: one MAC a weight a position."""
    import torch

    macs = 0

    def count(layer: Any, _: Any, output: Any) -> None:
        nonlocal macs
        if isinstance(layer, torch.nn.Conv2d):
            macs += layer.weight.numel() * output.shape[-2] * output.shape[-1]
        elif isinstance(layer, torch.nn.Linear):
            macs += layer.weight.numel()

    hooks = [layer.register_forward_hook(count) for layer in module.modules()]
    with torch.no_grad():
        module(image)
    for hook in hooks:
        hook.remove()
    return {"parameters": sum(each.numel() for each in module.parameters()), "macs": macs}


def archlab(module: Any, image: Any) -> Values:
    from archlab import analyze

    found = analyze(module, input=(SIZE, SIZE))
    field = found.receptive_field.to_dict()
    return {
        "parameters": found.params.total,
        "macs": found.compute.macs,
        "flops": found.compute.flops,
        "receptive field": field["size"][0] if isinstance(field.get("size"), list) else None,
    }


def torchinfo(module: Any, image: Any) -> Values:
    from torchinfo import summary

    found = summary(module, input_size=tuple(image.shape), verbose=0)
    return {"parameters": found.total_params, "macs": found.total_mult_adds}


def fvcore(module: Any, image: Any) -> Values:
    from fvcore.nn import FlopCountAnalysis, parameter_count

    found = FlopCountAnalysis(module, image).unsupported_ops_warnings(False).uncalled_modules_warnings(False)
    return {"parameters": parameter_count(module)[""], "macs": found.total()}


def ptflops(module: Any, image: Any, backend: str = "aten") -> Values:
    from ptflops import get_model_complexity_info

    macs, parameters = get_model_complexity_info(
        module, tuple(image.shape[1:]), as_strings=False, print_per_layer_stat=False, verbose=False, backend=backend
    )
    return {"parameters": parameters, "macs": macs}


def calflops(module: Any, image: Any) -> Values:
    from calflops import calculate_flops

    flops, macs, parameters = calculate_flops(
        module, input_shape=tuple(image.shape), print_results=False, output_as_string=False
    )
    return {"parameters": parameters, "macs": macs, "flops": flops}


def torchlens(module: Any, image: Any) -> Values:
    from torchlens import trace

    found = trace(module, image)
    fields = found.receptive_fields().to_pandas()["size"]
    return {
        "parameters": found.num_params,
        "macs": int(found.total_macs_forward),
        "flops": int(found.total_flops_forward),
        "receptive field": max(size[0] for size in fields if size),
    }


def rfa_toolbox(module: Any, image: Any) -> Values:
    # Its last version reads a name that Python 3.10 took away.
    collections.Sequence = collections.abc.Sequence  # pyright: ignore[reportAttributeAccessIssue]
    from rfa_toolbox import create_graph_from_pytorch_model, input_resolution_range

    graph = create_graph_from_pytorch_model(module, input_res=tuple(image.shape))
    return {"receptive field": int(input_resolution_range(graph)[1][0])}


def keras_counted(model: Any) -> Values:
    macs = 0
    for layer in model.layers:
        if type(layer).__name__ == "Conv2D":
            macs += int(layer.kernel.numpy().size) * layer.output.shape[1] * layer.output.shape[2]
        elif type(layer).__name__ == "Dense":
            macs += int(layer.kernel.numpy().size)
    return {"parameters": model.count_params(), "macs": macs}


def keras_archlab(model: Any) -> Values:
    from archlab import analyze

    found = analyze(model)
    return {"parameters": found.params.total, "macs": found.compute.macs, "flops": found.compute.flops}


def profiler(model: Any) -> Values:
    import tensorflow as tf
    from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2
    from tensorflow.python.profiler import model_analyzer, option_builder

    call = tf.function(lambda image: model(image, training=False))
    graph = convert_variables_to_constants_v2(call.get_concrete_function(tf.TensorSpec((1, SIZE, SIZE, 3)))).graph
    options = option_builder.ProfileOptionBuilder(option_builder.ProfileOptionBuilder.float_operation())
    return {"flops": model_analyzer.profile(graph, options=options.with_empty_output().build()).total_float_ops}


def keras_flops(model: Any) -> Values:
    from keras_flops import get_flops

    return {"flops": get_flops(model, batch_size=1)}


def of(tool: Callable[..., Values], package: str, *arguments: Any) -> dict[str, Any]:
    """What a tool makes of a network, its time, and why it failed where it did."""
    row: dict[str, Any] = {"tool": package}
    try:
        row["version"] = version(package)
    except PackageNotFoundError:
        return {**row, "failed": "not installed"}
    started = time.perf_counter()
    try:
        row |= tool(*arguments)
    except Exception as error:  # whatever it raises is its result
        row["failed"] = f"{type(error).__name__}: {str(error).splitlines()[0].split(' (')[0]}"
    return {**row, "seconds": round(time.perf_counter() - started, 2)}


def torch_networks() -> tuple[str, list[dict[str, Any]]]:
    import torch
    import torchvision

    module, image = torchvision.models.resnet50().eval(), torch.zeros(1, 3, SIZE, SIZE)
    rows = [
        {"tool": COUNTED, **counted(module, image)},
        of(archlab, "archlab", module, image),
        of(torchinfo, "torchinfo", module, image),
        of(fvcore, "fvcore", module, image),
        of(ptflops, "ptflops", module, image),
        of(calflops, "calflops", module, image),
        of(torchlens, "torchlens", module, image),
        # It changes the module: a new one.
        of(rfa_toolbox, "rfa-toolbox", torchvision.models.resnet50(), image),
    ]
    return "torchvision resnet50", rows


def keras_networks() -> tuple[str, list[dict[str, Any]]]:
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    import keras

    model = keras.applications.ResNet50(weights=None)
    rows = [
        {"tool": COUNTED, **keras_counted(model)},
        of(keras_archlab, "archlab", model),
        of(profiler, "tensorflow", model),
        of(keras_flops, "keras-flops", model),
    ]
    return "keras ResNet50", rows


def main() -> None:
    """Run the tools of one framework and add what they print to the file."""
    warnings.filterwarnings("ignore")
    framework, path = sys.argv[1], Path(sys.argv[2])
    name, rows = {"torch": torch_networks, "keras": keras_networks}[framework]()
    packages = {"torch": ("torch", "torchvision"), "keras": ("keras", "tensorflow")}[framework]
    stored = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    stored[name] = {
        "date": date.today().isoformat(),
        "environment": {"python": platform.python_version(), **{name: version(name) for name in packages}},
        "rows": rows,
    }
    path.write_text(json.dumps(stored, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(stored[name], indent=1))


if __name__ == "__main__":
    main()
