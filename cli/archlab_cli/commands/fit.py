from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import click

from archlab.errors import UsageError, did_you_mean
from archlab_cli.options import (
    check_output,
    check_plot,
    deliver_file,
    format_option,
    note,
    output_option,
    plot_option,
    read_format,
    read_size,
    reference,
    size_option,
    write,
)

_SHORT = {"params": "params", "macs": "macs", "flops": "flops", "memory": "saved_activations", "depth": "depth",
          "receptive-field": "receptive_field"}  # fmt: skip


def _bounds(command: Callable[..., None]) -> Callable[..., None]:
    """An option for each bound."""
    for side in ("max", "min"):
        for name, measure in reversed(_SHORT.items()):
            words = "at most" if side == "max" else "at least"
            option = click.option(
                f"--{side}-{name}", f"{side}_{measure}", metavar="N", help=f"{words} so much, as in 500k or 64MiB.",
                hidden=side == "min" and name not in ("params", "receptive-field"),
            )  # fmt: skip
            command = option(command)
    return command


@click.command("fit")
@reference
@size_option
@_bounds
@click.option("--max-time", metavar="TIME", help="At most this predicted time of inference, as in 5ms.")
@click.option("--vary", default="widths,depth,kernel", show_default=True, metavar="WHAT,…", help="What is varied.")
@click.option(
    "--front", default="macs:min,params:max", show_default=True, metavar="MEASURE:min|max,…", help="The objectives."
)
@click.option("--most", type=int, default=12, show_default=True, metavar="N", help="Architectures shown.")
@click.option("--device", metavar="NAME|FILE", help="As for latency.  [default: this machine]")
@click.option("--save", type=click.Path(path_type=Path), metavar="DIR", help="Write each architecture as YAML.")
@click.option("--no-check", is_flag=True, help="Do not build the results in Keras to check their parameters.")
@plot_option
@format_option
@output_option
def command(
    reference: str,
    size: str | None,
    max_time: str | None,
    vary: str,
    front: str,
    most: int,
    device: str | None,
    save: Path | None,
    no_check: bool,
    plot: Path | None,
    form: str | None,
    output: Path | None,
    **bounds: str | None,
) -> None:
    """Architectures of one family that keep bounds, and of these the Pareto front.

    The widths, blocks and kernels of the stages of an architecture are varied, all combinations looked at, and what is
    forecast not to train left out. Each result is built in Keras and its parameters are compared.

    \b
    Examples:
      archlab fit residual --max-params 500k --max-macs 200M --min-receptive-field 120
      archlab fit residual --max-time 5ms --front params:max,time_inference:min
      archlab fit residual --max-macs 100M --vary widths,depth --save found --plot front.svg
    """
    from archlab.analysis.fitting import MEASURES, VARIED, Bound, fit
    from archlab.lint.budgets import read_limit
    from archlab.parsing import read_seconds
    from archlab.report.fitting import fit_report, front_chart
    from archlab.sources import load

    form = read_format(form, output)
    shape = read_size(size)
    check_output(output)
    check_plot(plot)
    if most < 1:
        raise UsageError(f"--most {most}: at least 1 is needed")
    varied = [word.strip() for word in vary.split(",")]
    for word in varied:
        if word not in VARIED:
            raise UsageError(f"--vary {word}: {did_you_mean(word, VARIED)}")
    objectives: dict[str, str] = {}
    for word in front.split(","):
        name, _, way = word.strip().partition(":")
        name = name.replace("-", "_")
        if name not in MEASURES or way not in ("min", "max"):
            raise UsageError(f"--front {word}: write MEASURE:min or MEASURE:max, {did_you_mean(name, MEASURES)}")
        objectives[name] = way
    limits = [
        Bound(side, measure, read_limit(f"{side}-{name}", text).number)
        for side in ("max", "min")
        for name, measure in _SHORT.items()
        if (text := bounds[f"{side}_{measure}"]) is not None
    ]
    if max_time is not None:
        limits.append(Bound("max", "time_inference", read_seconds(max_time, "--max-time")))
    architecture = load(reference, shape)
    found = fit(architecture, limits, vary=varied, objectives=objectives, device=device, most=most)  # type: ignore[arg-type]
    if not no_check:
        from archlab.analysis.measured.checking import check_parameters

        for each in found.front:
            check_parameters(each.tree, int(each.values["params"]))
        note(f"{len(found.front)} architectures built in Keras: their parameters agree")
    if save is not None:
        from archlab.export import to_yaml

        save.mkdir(parents=True, exist_ok=True)
        for number, each in enumerate(found.front, start=1):
            path = save / f"{architecture.name}-{number}.yaml"
            deliver_file(lambda path, each=each: path.write_text(to_yaml(each.tree), encoding="utf-8"), path)
    if plot is not None:
        from archlab.charts import save as draw

        chart = front_chart(found)
        deliver_file(lambda path: draw(chart, path), plot)
    data = {"schema": 2, "name": architecture.name, "reference": architecture.reference, "fit": found.to_dict()}
    write(fit_report(found), lambda: data, form, output)
