"""`archlab`: finds the command, runs it, and turns every error of ours into one line and exit code 2."""

from __future__ import annotations

import errno
import importlib
import io
import re
import signal
import sys
import time
import traceback

import click

from archlab.errors import ArchlabError, did_you_mean
from archlab.text import one_line
from archlab_cli.commands import GROUPS, SUMMARIES
from archlab_cli.interrupt import interrupted
from archlab_cli.options import common_options

_USAGE = 2
_TERMINATED = 143
_VERBOSE = {"-v", "--verbose"}
_OF_OUTPUT = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EBADF)


class _Commands(click.Group):
    """The commands in `archlab_cli.commands`, each imported only when it is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(SUMMARIES)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in SUMMARIES:
            return None
        command = importlib.import_module(f"archlab_cli.commands.{cmd_name}").command
        _complete(command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Commands in groups, without importing them."""
        for title, summaries in GROUPS.items():
            with formatter.section(title):
                formatter.write_dl(list(summaries.items()), col_max=12)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        known = self.list_commands(ctx)
        if args and not args[0].startswith("-") and args[0] not in known:
            ctx.fail(f"no command {args[0]!r}: {did_you_mean(args[0], known)}")
        return super().resolve_command(ctx, args)


def _complete(command: click.Command) -> None:
    """Give a command, and the commands in it, what all have."""
    from archlab_cli.completion import add_completion

    if any("--quiet" in param.opts for param in command.params):
        return
    command.params += common_options()
    add_completion(command)
    for inner in command.commands.values() if isinstance(command, click.Group) else ():
        _complete(inner)


def _print_version(ctx: click.Context, param: click.Parameter, asked: bool) -> None:
    if asked:
        from importlib.metadata import version

        click.echo(f"archlab {version('archlab')}")
        ctx.exit()


@click.group(
    cls=_Commands,
    no_args_is_help=False,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Shell completion: https://click.palletsprojects.com/shell-completion, for example\n\n"
    '\b\n  eval "$(_ARCHLAB_COMPLETE=bash_source archlab)"',
)
@click.option(
    "--version", is_flag=True, is_eager=True, expose_value=False, callback=_print_version, help="Print the version."
)
@click.option(
    "--import",
    "modules",
    multiple=True,
    metavar="MODULE",
    help="Import a module first, such as keras_hub: a saved model whose layers it registers can then be loaded.",
)
@click.pass_context
def app(ctx: click.Context, modules: tuple[str, ...]) -> None:
    """Analyse convolutional networks before training: cost, receptive fields, gradients.

    \b
      archlab list                          list the architectures of the zoo
      archlab show residual                 one architecture by layer
      archlab compare baseline residual     several, side by side
      archlab diff resnet50 resnet101       two, layer by layer
      archlab render residual -o net.svg    draw one
    """
    if ctx.invoked_subcommand is None:
        click.echo(ctx.get_help())
    elif modules:
        from archlab.sources import register

        register(modules)


app.params += common_options()


def main(arguments: list[str] | None = None) -> None:
    """Run the command line and leave with its exit code."""
    if sys.stdout is None:  # pyright: ignore[reportUnnecessaryComparison]
        sys.exit(_fail("standard output is closed"))
    for stream in (sys.stdout, sys.stderr):
        # Where an encoding lacks a character, as of a redirection on Windows, its escape is better than no result.
        if isinstance(stream, io.TextIOWrapper) and stream.errors == "strict":
            stream.reconfigure(errors="backslashreplace")
    # A request to end is an interrupt: files that are half written and temporary folders go the same way.
    signal.signal(signal.SIGTERM, _terminate)
    sys.exit(run(sys.argv[1:] if arguments is None else arguments))


def _terminate(*_: object) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # the first is being answered
    raise KeyboardInterrupt


def run(arguments: list[str]) -> int:
    """Run the command line: 0 is fine, 1 findings that were asked to fail, 2 wrong usage."""
    verbose = not _VERBOSE.isdisjoint(arguments)
    started = time.perf_counter()
    try:
        # Click's own handling of errors prints the usage too: several lines where one will do.
        code = app(arguments, standalone_mode=False, prog_name="archlab", obj=tuple(arguments))
        sys.stdout.flush()
    except ArchlabError as error:
        if verbose:
            traceback.print_exception(error)
        return _fail(str(error))
    except click.NoSuchOption as error:
        return _fail(_unknown_option(error))
    except click.UsageError as error:
        return _fail(_one_too_many(error) or error.format_message())
    except click.ClickException as error:
        return _fail(error.format_message())
    except (click.Abort, KeyboardInterrupt) as error:
        # Click has made an Abort of the interrupt, which may say more.
        interrupt = error.__cause__ or error
        code = interrupted(str(interrupt) if interrupt.args else "stopped")
        return _TERMINATED if signal.getsignal(signal.SIGTERM) is signal.SIG_IGN else code
    except BrokenPipeError:
        # The reader has had enough (`archlab show … | head`): nothing is wrong, and nothing more can be written.
        sys.stdout = None  # pyright: ignore[reportAttributeAccessIssue]
        return 0
    except OSError as error:
        # Of a file that was named on the command line, such as one with a name too long to exist; or of the output.
        if error.filename is not None:
            return _fail(f"{error.filename}: {_reason(error)}")
        if error.errno not in _OF_OUTPUT:
            raise
        sys.stdout = None  # pyright: ignore[reportAttributeAccessIssue]
        return _fail(f"standard output cannot be written, {_reason(error)}")
    if verbose:
        _report_versions(time.perf_counter() - started)
    return code if isinstance(code, int) else 0


def _report_versions(seconds: float) -> None:
    """What ran, and how long, for whoever compares two runs."""
    from importlib.metadata import version

    loaded = [name for name in ("keras", "tensorflow", "torch") if name in sys.modules]
    versions = [f"{name} {version(name)}" for name in ("archlab", *loaded)]
    python = ".".join(map(str, sys.version_info[:3]))
    print(f"{', '.join(versions)}, Python {python}: {seconds:.2f} s", file=sys.stderr)


def _one_too_many(error: click.UsageError) -> str:
    """What to write instead where a command of one architecture is given several; nothing of other errors."""
    if not error.message.startswith("Got unexpected extra argument") or error.ctx is None:
        return ""
    _, *command = error.ctx.command_path.split()
    more = re.findall(r"[^\s()]+", error.message.partition("(")[2])
    if not any(param.name == "reference" for param in error.ctx.command.params):
        return f"{' '.join(command)}: one argument too many: {' '.join(more)}"
    first = error.ctx.params.get("reference") or "NAME"
    if all("=" in each for each in more):
        return f"{' '.join(more)}: arguments follow the name and a colon: {first}:{','.join(more)}"
    return (
        f"{' '.join(command)} takes one architecture, not {len(more) + 1}: {first}, {', '.join(more)}; "
        "`archlab compare` takes several, `archlab diff` two"
    )


def _unknown_option(error: click.NoSuchOption) -> str:
    """Click's own message does not say which command, and suggests `--help` for want of anything closer."""
    if error.ctx is None:
        return error.format_message()
    known = [name for param in error.ctx.command.get_params(error.ctx) for name in param.opts if name.startswith("--")]
    _, *command = error.ctx.command_path.split()
    where = f"{' '.join(command)} has no" if command else "no"
    return f"{where} option {error.option_name}: {did_you_mean(error.option_name, known)}"


def _reason(error: OSError) -> str:
    from archlab.files import reason_of

    return reason_of(error)


def _fail(message: str) -> int:
    print(f"archlab: {one_line(message)}", file=sys.stderr)
    return _USAGE
