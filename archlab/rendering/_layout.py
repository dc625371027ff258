"""DOT laid out by Graphviz: by the one that pip has installed, or by the system's."""

from __future__ import annotations

import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import Literal

from archlab.errors import MissingPartError

Engine = Literal["pip", "system"]
ENGINES: tuple[Engine, ...] = ("pip", "system")


def laid_out(dot: str, form: str, engine: Engine = "pip", dpi: int | None = None) -> bytes:
    """DOT as SVG or PNG, or whatever else the engine writes.

    Raises:
        MissingPartError: the engine is not installed.
    """
    command = [_binary(engine), f"-T{form}", *([f"-Gdpi={dpi}"] if dpi else [])]
    done = subprocess.run(command, input=dot.encode(), capture_output=True, check=False)
    if done.returncode or not done.stdout:
        words = done.stderr.decode(errors="replace").strip().splitlines()
        raise MissingPartError(f"{command[0]} cannot write {form}: {words[-1] if words else 'it says nothing'}")
    return done.stdout


def _binary(engine: Engine) -> str:
    if engine == "system":
        found = shutil.which("dot")
        if found is None:
            raise MissingPartError("there is no dot on this system: install Graphviz, or leave out --engine system")
        return found
    name = "graphviz-pure.exe" if sys.platform == "win32" else "graphviz-pure"
    # Beside this Python first: its folder need not be on the path.
    for folder in (sysconfig.get_path("scripts"), str(Path(sys.executable).parent)):
        if (Path(folder) / name).is_file():
            return str(Path(folder) / name)
    found = shutil.which(name)
    if found is None:
        raise MissingPartError("graphviz-pure is not installed: pip install graphviz-pure")
    return found
