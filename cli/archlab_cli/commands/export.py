from __future__ import annotations

import json
from pathlib import Path

import click

from archlab.errors import DesignError, UsageError
from archlab_cli.options import (
    check_output,
    choose_format,
    deliver,
    deliver_file,
    lambda_option,
    output_option,
    read_size,
    reference,
    size_option,
)

_FORMATS = ("yaml", "python", "keras")
_BY_SUFFIX = {".yaml": "yaml", ".yml": "yaml", ".py": "python", ".keras": "keras"}
_SCHEMA = "schema"


@click.command("export")
@reference
@click.option(
    "--format",
    "-f",
    "form",
    metavar="FORMAT",
    help=f"{', '.join(_FORMATS)}; by --output's suffix.  [default: yaml]",
)
@size_option
@lambda_option
@output_option
def command(reference: str, form: str | None, size: str | None, allow_lambda: bool, output: Path | None) -> None:
    """An architecture as a file: YAML, Keras code, or a Keras model.

    YAML is archlab's own form, read again by every command. Python is Keras code in the functional style, with loops
    for what repeats. A .keras file holds the model with fresh weights. `archlab export schema` prints the JSON schema
    of the YAML form, for editors.

    \b
    Examples:
      archlab export residual
      archlab export resnet50 --format python
      archlab export plain:depth=50 --output plain50.keras
      archlab export schema --output archlab.schema.json
    """
    if reference == _SCHEMA:
        if form is not None or size is not None:
            raise UsageError("the schema is JSON and of no size: leave out --format and --input")
        check_output(output)
        from archlab.notation import json_schema

        deliver(json.dumps(json_schema(), indent=2), output)
        return
    if form == "keras" and (output is None or output.suffix != ".keras"):
        raise UsageError("--format keras writes a file: name it, as in --output model.keras")
    form = "keras" if form == "keras" else choose_format(form, output, _FORMATS, _BY_SUFFIX)
    check_output(output)
    from archlab.sources import load

    architecture = load(reference, read_size(size), allow_lambda=allow_lambda)
    try:
        if form == "keras":
            assert output is not None
            from archlab.export import to_keras

            model = to_keras(architecture)
            deliver_file(model.save, output)
        elif form == "python":
            from archlab.export import to_python

            deliver(to_python(architecture), output)
        else:
            from archlab.export import to_yaml

            deliver(to_yaml(architecture), output)
    except DesignError as error:
        raise error.within(architecture.name) from None
