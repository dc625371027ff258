"""`archlab`: finds the command, runs it, and turns every error of ours into one line and exit code 2."""

from __future__ import annotations

import importlib
import pkgutil
import sys
from typing import Any

import typer
from typer.core import TyperGroup

from archlab.errors import ArchlabError, did_you_mean
from archlab_cli import commands

_USAGE = 2
_INTERRUPTED = 130
# What typer raises for a wrong option; the class has no public name that all its versions share.
_WrongUsage = next(kind for kind in typer.BadParameter.__mro__ if kind.__name__ == "ClickException")


class _Commands(TyperGroup):
    """The commands in `archlab_cli.commands`, each imported only when it is asked for."""

    def list_commands(self, ctx: Any) -> list[str]:
        return sorted(module.name for module in pkgutil.iter_modules(commands.__path__))

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        if cmd_name not in self.list_commands(ctx):
            return None
        module = importlib.import_module(f"archlab_cli.commands.{cmd_name}")
        command = typer.main.get_command(module.app)
        command.name = cmd_name
        return command

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        known = self.list_commands(ctx)
        if args and not args[0].startswith("-") and args[0] not in known:
            ctx.fail(f"no command {args[0]!r}: {did_you_mean(args[0], known)}")
        return super().resolve_command(ctx, args)


app = typer.Typer(
    name="archlab",
    cls=_Commands,
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(asked: bool) -> None:
    if asked:
        from importlib.metadata import version

        typer.echo(f"archlab {version('archlab')}")
        raise typer.Exit()


@app.callback()
def archlab(
    version: bool = typer.Option(False, "--version", help="Print the version.", callback=_version, is_eager=True),
) -> None:
    """What a convolutional network costs, and whether it will train, before anyone trains it.

    \b
    archlab list                              the architectures it knows
    archlab show residual                     one, layer by layer
    archlab compare baseline residual         several, side by side
    """


def main(arguments: list[str] | None = None) -> None:
    """Run the command line and leave with its exit code."""
    sys.exit(run(sys.argv[1:] if arguments is None else arguments))


def run(arguments: list[str]) -> int:
    """Run the command line: 0 is fine, 1 findings that were asked to fail, 2 wrong usage."""
    try:
        # typer's own handling of errors prints several lines and a frame.
        code = app(arguments, standalone_mode=False, prog_name="archlab")
        sys.stdout.flush()
    except ArchlabError as error:
        return _fail(str(error))
    except _WrongUsage as error:
        if type(error).__name__ == "NoArgsIsHelpError":
            typer.echo(error.format_message(), err=True)
            return _USAGE
        return _fail(error.format_message())
    except (typer.Abort, KeyboardInterrupt):
        print("archlab: stopped", file=sys.stderr)
        return _INTERRUPTED
    except BrokenPipeError:
        # The reader has had enough (`archlab show … | head`): nothing is wrong, and nothing more can be written.
        sys.stdout = None  # pyright: ignore[reportAttributeAccessIssue]
        return 0
    return code if isinstance(code, int) else 0


def _fail(message: str) -> int:
    print(f"archlab: {' '.join(message.split())}", file=sys.stderr)
    return _USAGE
