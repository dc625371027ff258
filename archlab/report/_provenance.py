"""Where a report comes from: what made it, with which versions, from what."""

from __future__ import annotations

import platform
import sys
from collections.abc import Mapping, Sequence
from datetime import datetime
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from archlab.analysis import Result
from archlab.units import format_sizes

_LIBRARIES = ("numpy", "keras", "tensorflow")


def versions() -> Mapping[str, str]:
    """Of archlab, Python and the libraries; what has not been loaded had no part in it."""
    try:
        own = version("archlab")
    except PackageNotFoundError:  # run from a tree that is not installed
        own = "not installed"
    found = {"archlab": own, "python": f"{platform.python_version()} on {platform.system()} {platform.machine()}"}
    for name in _LIBRARIES:
        module = sys.modules.get(name)
        found[name] = "not loaded" if module is None else str(getattr(module, "__version__", "unknown"))
    return found


def made_by(command: str | None = None, when: datetime | None = None) -> tuple[tuple[str, str], ...]:
    """When a report was made, by what command and with which versions, as names and values."""
    made = when or datetime.now().astimezone()
    return (
        ("made", made.isoformat(sep=" ", timespec="seconds")),
        ("command", command or "from Python"),
        *versions().items(),
    )


def provenance(
    results: Sequence[Result],
    input: Sequence[int | None] | None = None,
    training: Any = None,
    command: str | None = None,
    when: datetime | None = None,
) -> tuple[tuple[str, str], ...]:
    """What somebody needs to make a comparison again, as names and values."""
    rows = [
        ("architectures", ", ".join(_named(result) for result in results)),
        ("input", "each its own" if input is None else format_sizes(input)),
    ]
    flows = {result.name: result.gradient_flow for result in results if result.gradient_flow}
    sources = dict.fromkeys(
        f"{flow.data}, {flow.batch} samples, {flow.loss}, in {flow.precision}" for flow in flows.values()
    )
    seeds = dict.fromkeys(", ".join(map(str, flow.seeds)) or f"none: {flow.weights}" for flow in flows.values())
    if flows:
        rows += [("gradients measured on", "; ".join(sources)), ("seeds", "; ".join(seeds))]
    else:
        rows.append(("gradients", "predicted, not measured"))
    if training is not None:
        plan = training.plan
        recipes = ", ".join(variant.name for variant in plan.variants)
        rows += [
            ("trained on", f"{plan.data}, recipe {recipes}, seeds {', '.join(map(str, plan.seeds))}"),
            ("runs", str(plan.output)),
        ]
    return (*made_by(command, when), *rows)


def _named(result: Result) -> str:
    """The name, and the reference where that is another."""
    reference = result.architecture.reference
    return result.name if reference in ("", result.name) else f"{result.name} ({reference})"
