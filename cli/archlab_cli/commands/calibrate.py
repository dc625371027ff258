from __future__ import annotations

from pathlib import Path

import click

from archlab.errors import UsageError
from archlab_cli.options import check_output, counter, note, output_option, read_format, write


@click.command("calibrate")
@click.option(
    "--export", type=click.Path(path_type=Path), metavar="FILE", help="Write the device to a .json file as well."
)
@click.option("--no-half", is_flag=True, help="Leave bfloat16 out.")
@output_option
def command(export: Path | None, no_half: bool, output: Path | None) -> None:
    """Measure this machine, once, for `archlab latency`: about two minutes.

    Leave the machine otherwise idle. Single layers of every kind and of sizes that span the caches are timed,
    forward and backward, on one thread and on all. The rates are kept in the user's cache folder; an exported file
    predicts for this machine on another one.

    \b
    Examples:
      archlab calibrate
      archlab calibrate --export server.json
    """
    from archlab.analysis.cost import device_path
    from archlab.analysis.measured.calibration import calibrate
    from archlab.report.latency import device_report

    form = read_format(None, output)
    if export is not None and export.suffix != ".json":
        raise UsageError(f"--export {export}: give it the suffix .json")
    check_output(output)
    check_output(export)
    with counter() as step:
        found = calibrate(precisions=("float32",) if no_half else ("float32", "bfloat16"), note=step)
    note(f"kept in {device_path()}")
    if export is not None:
        found.save(export)
    write(device_report(found), found.to_dict, form, output)
