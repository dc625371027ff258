from __future__ import annotations

from pathlib import Path

import click

from archlab.errors import UsageError, did_you_mean
from archlab_cli.options import (
    check_output,
    counter,
    format_option,
    note,
    output_option,
    read_format,
    write,
)


class _Parts(click.Group):
    """The commands below `archlab data`; an unknown one is answered with the closest."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        known = self.list_commands(ctx)
        if args and not args[0].startswith("-") and args[0] not in known:
            raise UsageError(f"no command {f'data {args[0]}'!r}: {did_you_mean(args[0], known)}")
        return super().resolve_command(ctx, args)


@click.group("data", cls=_Parts, no_args_is_help=False, invoke_without_command=True)
@click.pass_context
def command(ctx: click.Context) -> None:
    """Photos to train on: fetch them, look through them, or draw some.

    Data is a folder of class folders, with or without train, validation and test around them; or 'shapes', drawings of
    cats and dogs that need no network.

    \b
    Examples:
      archlab data fetch cats_vs_dogs
      archlab data show cats_vs_dogs
      archlab data draw shapes --to shapes
    """
    if ctx.invoked_subcommand is None:
        click.echo(ctx.get_help())


def _complete(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    from archlab.training.data import ARCHIVES

    return [name for name in ARCHIVES if name.startswith(incomplete)]


@command.command("fetch")
@click.argument("name", shell_complete=_complete)
@click.option("--full", is_flag=True, help="All photos: those that the lecture leaves out are for training.")
@click.option(
    "--to", type=click.Path(path_type=Path), metavar="DIR", help="The folder to make; called as the data unless given."
)
@click.option(
    "--archive",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Take the archive from this file: it is not downloaded.",
)
def fetch(name: str, full: bool, to: Path | None, archive: Path | None) -> None:
    """Download photos and lay them out for training, validation and test.

    cats_vs_dogs is Microsoft's archive of 25,000 photos (0.8 GB), checked by its SHA-256. As in the lecture, of each
    class photos 0 to 999 are for training, 1000 to 1499 for validation, 1500 to 2499 for test. What cannot be decoded
    is left out and named. A download that breaks off goes on when the command is run again.

    \b
    Examples:
      archlab data fetch cats_vs_dogs
      archlab data fetch cats_vs_dogs --full --to all_cats_vs_dogs
      archlab data fetch cats_vs_dogs --archive kagglecatsanddogs_5340.zip
    """
    from archlab.training import data

    with counter() as progress:
        folder = data.fetch(name, to or Path(name), full, progress, archive=archive, note=note)
    note(f"written to {folder}")


@command.command("show")
@click.argument("source")
@format_option
@output_option
def show(source: str, form: str | None, output: Path | None) -> None:
    """How many photos a folder holds of each class and split, and what is skipped, and why.

    Every photo is decoded once. Skipped is what is empty, damaged, no image, or a copy of a photo in another split.

    \b
    Examples:
      archlab data show cats_vs_dogs
      archlab data show cats_vs_dogs --format json --output photos.json
      archlab data show shapes:train=400,seed=2
    """
    form = read_format(form, output)
    check_output(output)
    from archlab.report.data import data_report
    from archlab.training.data import survey

    with counter() as progress:
        found = survey(source, progress)
    write(data_report(found), lambda: {"schema": 1, **found.to_dict()}, form, output)


@command.command("draw")
@click.argument("source")
@click.option(
    "--to", type=click.Path(path_type=Path), metavar="DIR", help="The folder to make; called as the data unless given."
)
def draw(source: str, to: Path | None) -> None:
    """Write the drawings of 'shapes' as PNG files in class folders, to look at.

    Arguments: train, validation and test say how many, size how many pixels wide and high, seed which.

    \b
    Examples:
      archlab data draw shapes
      archlab data draw shapes:train=20,validation=10,test=10,size=256,seed=7 --to drawings
    """
    from archlab.training import data

    if not data.is_shapes(source):
        raise UsageError(f"{source} cannot be drawn: {did_you_mean(source, ('shapes',))}")
    with counter() as progress:
        folder = data.draw_shapes(source, to or Path("shapes"), progress)
    note(f"written to {folder}")
