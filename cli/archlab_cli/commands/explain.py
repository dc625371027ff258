from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from archlab.errors import UsageError
from archlab_cli.options import (
    check_output,
    format_option,
    lambda_option,
    output_option,
    progress,
    read_format,
    read_size,
    reference,
    size_option,
    write,
)

if TYPE_CHECKING:
    from archlab.analysis import GradientFlow
    from archlab.graph import Part
    from archlab.sources import Architecture

_USUAL = ("Residual", "BatchNorm", "LayerNorm", "GroupNorm")


@click.command("explain")
@reference
@click.option(
    "--without",
    multiple=True,
    metavar="KIND",
    help=f"Also explain what a kind of part changes, such as ReLU.  [default: {', '.join(_USUAL)} where it has them]",
)
@click.option("--measure", is_flag=True, help="Measure the slope of each too, on the Keras model.")
@size_option
@lambda_option
@format_option
@output_option
def command(
    reference: str,
    without: tuple[str, ...],
    measure: bool,
    size: str | None,
    allow_lambda: bool,
    form: str | None,
    output: Path | None,
) -> None:
    """Why gradients and activations change along an architecture: the terms that add up to the change.

    Kernels, activations, normalization, branches, pooling, map size and finite width, each with its formula, the values
    of this architecture and the source. Then what each part changes: predicted, and with --measure measured.

    \b
    Examples:
      archlab explain plain:depth=50,normalization=none
      archlab explain residual:depth=50 --without Residual --measure
    """
    from archlab.analysis import explain, forecast
    from archlab.analysis.static.signal import predict_gradient_flow
    from archlab.report.explanation import Variant, explanation_report
    from archlab.sources import load

    form = read_format(form, output)
    found = load(reference, read_size(size), allow_lambda=allow_lambda)
    variants = _variants(found, without)
    check_output(output)
    explanation = explain(found)
    rows: list[Variant] = []
    with progress(len(variants) * 4 if measure else 1) as step:
        for name, part in variants if measure or len(variants) > 1 else ():
            flow = _measured(part, lambda word, name=name: step(f"{name}: {word}")) if measure else None
            rows.append(Variant(name, predict_gradient_flow(part), forecast(part), flow))
    report = explanation_report(explanation, rows)
    data = {
        "schema": 2,
        "name": found.name,
        "reference": found.reference,
        "explanation": explanation.to_dict(),
        "variants": [
            {
                "name": each.name,
                "gradient_flow_predicted": each.predicted.to_dict(),
                "forecast": each.forecast.to_dict(),
                "gradient_flow": each.measured.to_dict() if each.measured else None,
            }
            for each in rows
        ],
    }
    write(report, lambda: data, form, output)


def _measured(part: Architecture | Part, progress: Callable[[str], None]) -> GradientFlow:
    from archlab.analysis.measured import gradient_flow  # loads NumPy, which the prediction does not need

    return gradient_flow(part, progress=progress)


def _variants(found: Architecture, without: tuple[str, ...]) -> list[tuple[str, Architecture | Part]]:
    """The architecture itself, and without each kind of part."""
    made: list[tuple[str, Architecture | Part]] = [("as it is", found)]
    if found.tree is None:
        if without:
            raise UsageError(f"--without: {found.name} was read from a graph, whose parts cannot be taken away")
        return made
    kinds = {type(part).__name__ for part in found.tree.walk()}
    for kind in without or [kind for kind in _USUAL if kind in kinds]:
        changed = found.tree.without(kind)
        if kind not in kinds:
            raise UsageError(f"--without {kind}: {found.name} has none; it has {', '.join(sorted(kinds))}")
        made.append((f"without {kind}", changed))
    return made
