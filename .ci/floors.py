"""The dependencies at their lower bounds, `name==version` a line: what pyproject.toml promises to work with."""

import re
import tomllib
from pathlib import Path

project = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text())["project"]
for dependency in project["dependencies"]:
    name, version = re.fullmatch(r"([\w.-]+)>=([\w.]+)", dependency).groups()
    print(f"{name}=={version}")
