"""The models of timm's published table: parameters against PyTorch's own count, MACs against the table.

python -m tests.benchmarks.timm_table TABLE FILE [--minutes N] [--seconds N] [--only PATTERN] [--again]

TABLE has the columns `model`, `image_size`, `param_count_m` and `gmacs`. Every row whose model the installed timm knows
is built without memory and read at the row's image size; few GMACs come first. FILE gets a line of JSON for each row as
soon as it is read, and a row that it has is not read again, so that the run can be stopped and started at any time. The
models are read in a process of their own, which is ended and started anew where one of them takes longer than
`--seconds`. At the end FILE is sorted, and a summary is printed.

Three counts of the same model are kept beside ours: PyTorch's `FlopCounterMode`; the conventions of fvcore, by which
the table was made, applied to the calls that the model makes; and the table's. Which of them agree says why ours
differs from the table (`explained`).
"""

from __future__ import annotations

import argparse
import csv
import json
import multiprocessing
import platform
import re
import sys
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from importlib.metadata import version
from math import prod
from pathlib import Path
from typing import Any

_ROUNDED = 0.005
"""The table gives GMACs with two places."""
_SHARE = 0.001
"""Within this share, counts are the same: the table says no more than three figures of most models."""


def main(arguments: Sequence[str]) -> int:
    """Read what is missing, and say whether every model that was read has as many parameters as PyTorch counts."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.timm_table", allow_abbrev=False)
    parser.add_argument("table", type=Path)
    parser.add_argument("file", metavar="FILE", type=Path)
    parser.add_argument("--minutes", metavar="N", type=float, default=120.0)
    parser.add_argument("--seconds", metavar="N", type=float, default=60.0)
    parser.add_argument("--only", metavar="PATTERN", default="*", help="names of models, as in 'resnet*'")
    parser.add_argument("--again", action="store_true", help="read rows anew that FILE has")
    asked = parser.parse_args(arguments)
    with asked.table.open(encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["gmacs"] and fnmatchcase(row["model"], asked.only)]
    rows.sort(key=lambda row: float(row["gmacs"]))
    kept = {} if asked.again and asked.only == "*" else stored(asked.file)
    left = [row for row in rows if asked.again or _key(row) not in kept]
    end = time.monotonic() + 60 * asked.minutes
    with _Reader(asked.seconds) as reader, asked.file.open("a", encoding="utf-8") as file:
        for row in left:
            if time.monotonic() > end:
                break
            outcome = reader.read(row)
            kept[_key(row)] = outcome
            file.write(json.dumps(outcome) + "\n")
            file.flush()
    about = {name: version(name) for name in ("torch", "timm")}
    environment = {"environment": {"python": platform.python_version(), **about}}
    ordered = [kept[key] for key in sorted(kept)]
    asked.file.write_text("".join(json.dumps(line) + "\n" for line in (environment, *ordered)), encoding="utf-8")
    print(summary(ordered))
    read = [each for each in ordered if "parameters" in each]
    return int(not read or any(each["parameters"] != each["numel"] for each in read))


def stored(file: Path) -> dict[tuple[str, int], dict[str, Any]]:
    """The outcomes in a file by model and image size; a line that was cut off while it was written is left out."""
    found: dict[tuple[str, int], dict[str, Any]] = {}
    for line in file.read_text(encoding="utf-8").splitlines() if file.is_file() else ():
        try:
            outcome = json.loads(line)
        except ValueError:
            continue
        if "model" in outcome:
            found[outcome["model"], outcome["size"]] = outcome
    return found


def _key(row: Mapping[str, str]) -> tuple[str, int]:
    return row["model"], int(row["image_size"])


class _Reader:
    """Reads one model after another in a process of its own, which is replaced when it takes too long or ends."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._process: Any = None
        self._pipe: Any = None

    def __enter__(self) -> _Reader:
        return self

    def __exit__(self, *_: object) -> None:
        self._end()

    def _end(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.join()
            self._process = None

    def read(self, row: Mapping[str, str]) -> dict[str, Any]:
        """The outcome of a row; where its process took too long or ended, that is the outcome."""
        name, size = _key(row)
        if self._process is None:
            context = multiprocessing.get_context("spawn")
            self._pipe, other = context.Pipe()
            self._process = context.Process(target=_serve, args=(other,), daemon=True)
            self._process.start()
            other.close()
        self._pipe.send(dict(row))
        why = f"took more than {self._seconds:g} s"
        try:
            if self._pipe.poll(self._seconds):
                return self._pipe.recv()
        except (EOFError, OSError):
            why = "its process ended"
        self._end()
        return {"model": name, "size": size, "error": why}


def _serve(pipe: Any) -> None:
    """Read the rows that come, until none does."""
    while True:
        try:
            row = pipe.recv()
        except EOFError:
            return
        pipe.send(outcome_of(row))


def outcome_of(row: Mapping[str, str]) -> dict[str, Any]:
    """One model, read at the table's image size, and how it compares with the table."""
    import timm

    from archlab.errors import ArchlabError

    name, size = _key(row)
    if name.partition(".")[0] not in timm.list_models():
        return {"model": name, "size": size, "error": "not in this version of timm"}
    try:
        found = _counted(name, size)
    except (ArchlabError, TypeError, RuntimeError, ValueError, AssertionError) as error:
        return {"model": name, "size": size, "error": (str(error).splitlines() or [type(error).__name__])[0]}
    table = float(row["gmacs"])
    return found | {
        "ratio": round(found["macs"] / 1e9 / table, 4) if table else None,
        "explained": _explained(name, size, found, float(row["param_count_m"]), table),
    }


def _counted(name: str, size: int, fused: bool = False) -> dict[str, Any]:
    """Ours, PyTorch's and fvcore's counts of a model; `fused`, of the form that timm gives it for inference."""
    from archlab import analyze
    from archlab.ops import Product
    from archlab.torch_bridge import built, from_torch

    module = _fused(name, size) if fused else built(lambda: _make(name, size)).module
    analysis = analyze(from_torch(module, (3, size, size)))
    graph = analysis.graph
    windows = sum(
        any(weight.role == "kernel" and max(weight.shape[:2]) > 1 for weight in node.weights)
        for node in graph if node.op.family == "convolution"
    )  # fmt: skip
    attends = any(isinstance(node.op, Product) and node.op.factors > 1 for node in graph)
    try:
        more, counted = fvcore_more(module, (3, size, size)), torch_macs(module, (3, size, size))
    except Exception:  # some code makes tensors on a device that it does not ask for
        more, counted = {}, None
    return {
        "model": name,
        "size": size,
        "kind": "with attention" if attends else "convolutional" if windows > 1 else "neither",
        "parameters": analysis.params.total,
        "numel": sum(parameter.numel() for parameter in module.parameters()),
        "macs": analysis.compute.macs,
        "torch_macs": counted,
        "fvcore_more": more,
        "unknown": sorted({each["why"] for each in analysis.unknown}),
    }


def _make(name: str, size: int) -> Any:
    """The model at an image size, which some take as an argument and others at the call."""
    import timm

    try:
        return timm.create_model(name, pretrained=False, img_size=size).eval()
    except TypeError:
        return timm.create_model(name, pretrained=False).eval()


def _fused(name: str, size: int) -> Any:
    """The model as timm uses it for inference: branches of one shape added up to one convolution."""
    from timm.utils.model import reparameterize_model

    return reparameterize_model(_make(name, size)).eval()


def torch_macs(module: Any, shape: tuple[int, ...]) -> int:
    """PyTorch's own count of MACs, without memory for anything."""
    import torch
    from torch.utils.flop_counter import FlopCounterMode

    module = module.to("meta").requires_grad_(False)  # the counter fails where but some of what comes in learns
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        module(torch.empty(1, *shape, device="meta"))
    return counter.get_total_flops() // 2


def fvcore_more(module: Any, shape: tuple[int, ...]) -> dict[str, int]:
    """What fvcore counts more or less than the products, by kind, from the calls that a module makes.

    fvcore's rules, stated in `fvcore.nn.flop_count`: two for each element of a batch normalization by running
    statistics, five of another normalization with parameters and four of one without, one for each element that goes
    into an adaptive average pooling, one for each that comes out of a nearest and four of a bilinear interpolation;
    nothing for attention in one call, nor for a convolution whose padding has a name ('same').
    """
    import torch
    from torch.overrides import TorchFunctionMode

    more: Counter[str] = Counter()

    class Calls(TorchFunctionMode):
        def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            kwargs = kwargs or {}
            name = getattr(func, "__name__", "")
            if name in ("batch_norm", "instance_norm", "group_norm", "layer_norm"):
                place = {"batch_norm": 3, "instance_norm": 3}.get(name, 2)
                affine = (args[place] if len(args) > place else kwargs.get("weight")) is not None
                training = args[5] if len(args) > 5 else kwargs.get("training", False)
                each = 1 + affine if name == "batch_norm" and not training else 4 + affine
                more["normalization"] += each * args[0].numel()
            elif name == "adaptive_avg_pool2d":
                more["adaptive pooling"] += args[0].numel()
            found = func(*args, **kwargs)
            if name == "conv2d" and isinstance(args[4] if len(args) > 4 else kwargs.get("padding"), str):
                more["padding by name"] -= found.numel() * args[1][0].numel()
            if name == "interpolate":
                mode = kwargs.get("mode", args[3] if len(args) > 3 else "nearest")
                more["interpolation"] += {"nearest": 1, "bilinear": 4}.get(mode, 0) * found.numel()
            elif name == "scaled_dot_product_attention":
                query, key, value = [tuple(each.shape) for each in args[:3]]
                more["fused attention"] -= prod(query[:-1]) * key[-2] * (query[-1] + value[-1])
            elif name == "multi_head_attention_forward" and not kwargs.get("need_weights", True):
                (length, batch, width), positions = args[0].shape, args[1].shape[0]
                more["fused attention"] -= 2 * length * positions * batch * width
            return found

    with torch.no_grad(), Calls():
        module.to("meta")(torch.empty(1, *shape, device="meta"))
    return dict(more)


def _explained(name: str, size: int, found: dict[str, Any], millions: float, table: float) -> str:
    """Why our MACs differ from the table's, as far as that can be computed; 'agrees' where they do not."""
    if _same(found["macs"], table):
        return "agrees"
    if (kind := _by_convention(found, table)) is not None:
        return kind
    try:
        fused = _counted(name, size, fused=True)
    except Exception:  # a model that cannot be fused without weights has no such explanation
        fused = found
    if fused["numel"] != found["numel"] and (_same(fused["macs"], table) or _by_convention(fused, table) is not None):
        return "the table has the model with its branches fused"
    if abs(found["numel"] / 1e6 - millions) > 0.006 + 0.0001 * millions:
        return "the model has other parameters than in the table"
    return "unexplained"


def _by_convention(found: dict[str, Any], table: float) -> str | None:
    """The kinds of operations that make the difference, where fvcore's conventions give what the table has."""
    more = {kind: count for kind, count in found["fvcore_more"].items() if count}
    apart = {kind: count for kind, count in more.items() if kind == "fused attention"}
    for parts in (more, {kind: count for kind, count in more.items() if kind not in apart}):
        if parts and _same(found["macs"] + sum(parts.values()), table):
            kinds = sorted(parts, key=lambda kind: -abs(parts[kind]))
            counts = [kind for kind in kinds if abs(parts[kind]) > 0.1 * max(map(abs, parts.values()))]
            return f"fvcore counts otherwise: {', '.join(sorted(counts))}"
    return None


def _same(macs: float, giga: float) -> bool:
    return abs(macs / 1e9 - giga) <= _ROUNDED * 1.02 + _SHARE * giga


def summary(rows: Sequence[Mapping[str, Any]]) -> str:
    """How many rows were read and agree, by kind, and those that do not."""
    read = [row for row in rows if "parameters" in row]
    lines = [f"{len(rows)} rows, {len(read)} read, of {len({row['model'] for row in read})} models"]
    for kind in sorted({row["kind"] for row in read}):
        own = [row for row in read if row["kind"] == kind]
        exact = sum(row["parameters"] == row["numel"] for row in own)
        torch = sum(row["macs"] == row["torch_macs"] for row in own)
        unknown = sum(bool(row["unknown"]) for row in own)
        lines.append(
            f"{kind}: {len(own)} rows, {len({row['model'] for row in own})} models; parameters exact {exact}; "
            f"MACs as FlopCounterMode {torch}; with unknown layers {unknown}"
        )
        for why, count in Counter(row["explained"] for row in own).most_common():
            lines.append(f"  {count:5}  {why}")
    for error, count in Counter(_plain(row["error"]) for row in rows if "error" in row).most_common():
        lines.append(f"not read: {count:5}  {error}")
    return "\n".join(lines)


def _plain(error: str) -> str:
    return re.sub(r"^[\w.]+: ", "", error)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
