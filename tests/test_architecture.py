"""The shape of the code itself: arrows, exports, what is loaded when; and the proof that these tests can fail."""

from __future__ import annotations

import ast
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import networkx
import pytest

import archlab

ROOT = Path(__file__).resolve().parents[1]
HEAVY = ("tensorflow", "keras", "torch", "onnx", "ray", "cv2", "h5py", "scipy", "pandas", "networkx", "numpy", "altair")
# Lighter ones, each a twentieth of a second: pages, progress and the network alone need them.
SLOW = ("jinja2", "rich", "urllib.request", "http.client", "multiprocessing", "asyncio")

STATIC_COMMANDS = [
    ["list"],
    ["list", "--format", "json"],
    ["show", "residual"],
    ["show", "resnet50", "--by", "stage", "--format", "csv"],
    ["compare", "baseline", "residual", "--static"],
    ["compare", "baseline", "residual", "--static", "--format", "json"],
    ["export", "residual"],
    ["export", "resnet50", "--format", "python"],
    ["export", "schema"],
    ["render", "residual"],
    ["render", "resnet50", "--level", "stage", "--color", "gradient", "--format", "dot"],
    ["render", "residual", "--view", "pyramid"],
    ["--help"],
    ["compare", "--help"],
    ["lint", "baseline", "residual"],
    ["check", "residual", "--max-params", "1M"],
    ["forecast", "residual"],
    ["explain", "residual"],
    ["memory", "residual"],
    ["latency", "residual"],
    ["data", "--help"],
    ["train", "--help"],
]


def loaded(code: str, path: Path | None = None) -> set[str]:
    """Which of the heavy packages are loaded after a piece of code has run in a process of its own."""
    ask = (
        "import json, sys\n"
        f"{code}\n"
        f"print('LOADED', json.dumps([name for name in {HEAVY + SLOW!r} if name in sys.modules]), file=sys.stderr)"
    )
    environment = dict(os.environ, PYTHONPATH=os.pathsep.join(map(str, [path or ROOT, ROOT, ROOT / "cli"])))
    done = subprocess.run(
        [sys.executable, "-c", ask], capture_output=True, text=True, env=environment, check=True, cwd=path or ROOT
    )
    return set(json.loads(done.stderr.split("LOADED ")[1]))


def test_importing_archlab_loads_nothing_heavy() -> None:
    assert loaded("import archlab") == set()
    # Every name at once brings NumPy, which the results of a measurement hold; still neither Keras nor TensorFlow.
    assert loaded("from archlab import *") - set(SLOW) <= {"numpy"}


@pytest.mark.parametrize("arguments", STATIC_COMMANDS, ids=" ".join)
def test_static_commands_load_nothing_heavy(arguments: list[str]) -> None:
    assert loaded(f"from archlab_cli.main import run; assert run({arguments!r}) == 0") == set()


def test_differences_and_scaling_load_numpy_alone() -> None:
    # NumPy aligns sequences. networkx assigns branches, and is loaded only where they may have changed places.
    assert loaded("from archlab_cli.main import run; assert run(['diff', 'baseline', 'residual']) == 0") == {"numpy"}
    assert loaded("from archlab_cli.main import run; assert run(['diff', 'resnet50', 'resnet101']) == 0") == {"numpy"}
    # NumPy searches widths and depths.
    assert loaded("from archlab_cli.main import run; assert run(['scale', 'residual', '--macs', '2']) == 0") == {
        "numpy"
    }
    assert loaded("from archlab import GraphDiff") == set()
    assert loaded("from archlab_cli.main import run; assert run(['diff', '--help']) == 0") == set()


@pytest.mark.parametrize(
    "command", [["compare", "baseline", "residual", "--static"], ["show", "residual"]], ids=" ".join
)
def test_static_pages_load_neither_keras_nor_tensorflow(command: list[str]) -> None:
    arguments = [*command, "--format", "html"]
    assert not loaded(f"from archlab_cli.main import run; assert run({arguments!r}) == 0") & {"tensorflow", "keras"}


def test_that_test_fails_when_something_heavy_is_loaded(tmp_path: Path) -> None:
    # A package of that name is enough: the real ones take seconds.
    (tmp_path / "tensorflow.py").write_text("")
    assert loaded("import archlab, tensorflow", tmp_path) == {"tensorflow"}
    (tmp_path / "archlab").mkdir()
    (tmp_path / "archlab" / "__init__.py").write_text("import tensorflow\n")
    assert loaded("import archlab", tmp_path) == {"tensorflow"}


def lint_imports(folder: Path) -> subprocess.CompletedProcess[str]:
    environment = dict(os.environ, PYTHONPATH=os.pathsep.join([str(folder), str(folder / "cli")]))
    command = [sys.executable, "-c", "from importlinter.cli import lint_imports_command; lint_imports_command()"]
    return subprocess.run(
        [*command, "--config", str(folder / "pyproject.toml"), "--no-cache"],
        cwd=folder,
        capture_output=True,
        text=True,
        env=environment,
        check=False,
    )


def test_the_arrows_between_the_packages_hold() -> None:
    done = lint_imports(ROOT)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize(
    ("module", "line"),
    [
        ("archlab/graph/_graph.py", "from archlab.ops import Conv"),
        ("archlab/analysis/static/params.py", "import tensorflow"),
        ("archlab/report/_text.py", "from archlab.bridge import build"),
        ("archlab/zoo/vgg.py", "import archlab_cli"),
    ],
)
def test_that_test_fails_when_an_arrow_is_wrong(tmp_path: Path, module: str, line: str) -> None:
    for name in ("archlab", "cli"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    with (tmp_path / module).open("a") as file:
        file.write(f"\n{line}\n")
    done = lint_imports(tmp_path)
    assert done.returncode != 0, done.stdout


def circles(folder: Path) -> list[list[str]]:
    """Files that import one another in a circle, be it for types alone; every import is seen, wherever it stands."""
    graph = networkx.DiGraph()
    paths = {
        ".".join(path.relative_to(base).with_suffix("").parts).removesuffix(".__init__"): path
        for base in (folder, folder / "cli")
        for path in base.glob("archlab*/**/*.py")
    }
    for module, path in paths.items():
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom) and node.module:
                # `from archlab import zoo` is an import of that package, and none of what stands above it.
                names = [f"{node.module}.{each.name}" for each in node.names]
                targets = {name if name in paths else node.module for name in names}
            elif isinstance(node, ast.Import):
                targets = {each.name for each in node.names}
            else:
                continue
            graph.add_edges_from((module, target) for target in targets if target in paths and target != module)
    return [sorted(each) for each in networkx.strongly_connected_components(graph) if len(each) > 1]


def test_no_files_import_one_another_in_a_circle(tmp_path: Path) -> None:
    assert circles(ROOT) == []
    (tmp_path / "archlab").mkdir()
    (tmp_path / "archlab" / "__init__.py").write_text("")
    (tmp_path / "archlab" / "a.py").write_text("def f():\n    from archlab.b import g\n")
    (tmp_path / "archlab" / "b.py").write_text("if TYPE_CHECKING:\n    from archlab import a\n")
    assert circles(tmp_path) == [["archlab.a", "archlab.b"]]


def test_the_page_on_the_code_names_what_there_is() -> None:
    page = (ROOT / "docs" / "concepts" / "architecture-of-the-code.md").read_text(encoding="utf-8")
    table = page.split("## The layers")[1].split("\n\n")[2]
    named = set(re.findall(r"`(archlab\.\w+)`", "\n".join(line.split(" | ")[0] for line in table.splitlines())))
    there = {
        f"archlab.{path.stem}"
        for path in (ROOT / "archlab").iterdir()
        if (path.is_dir() and (path / "__init__.py").exists()) or (path.suffix == ".py" and path.stem != "__init__")
    }
    assert named == there


def test_nothing_is_imported_by_a_string_of_its_own() -> None:
    # The zoo, rules and commands find their files by looking; users name modules of theirs, Keras names its layers'.
    meant = {"archlab/__init__.py", "archlab/zoo/_registry.py", "archlab/sources/_python.py",
             "archlab/bridge/_private.py", "archlab/lint/_registry.py", "cli/archlab_cli/main.py"}  # fmt: skip
    found = {
        str(path.relative_to(ROOT))
        for base in ("archlab", "cli")
        for path in (ROOT / base).rglob("*.py")
        if "import_module" in path.read_text() or "__import__" in path.read_text()
    }
    assert found == meant


def documented() -> set[str]:
    pages = (ROOT / "docs" / "reference").glob("*.md")
    return {name for page in pages for name in re.findall(r"^::: archlab\.(\w+)$", page.read_text(), re.MULTILINE)}


def test_exported_names_are_the_documented_ones() -> None:
    modules = {"blocks", "errors", "training"}
    assert documented() - modules == set(archlab.__all__)


def test_every_exported_name_exists_and_says_what_it_is() -> None:
    for name in archlab.__all__:
        value = getattr(archlab, name)
        assert name in dir(archlab)
        assert (value.__doc__ or "").strip() or not callable(value), name
    with pytest.raises(AttributeError, match="module 'archlab' has no attribute 'nothing'"):
        _ = archlab.nothing  # pyright: ignore[reportAttributeAccessIssue]


def test_public_names_have_docstrings() -> None:
    missing = []
    for path in (ROOT / "archlab").rglob("*.py"):
        for node in ast.parse(path.read_text()).body:
            if isinstance(node, ast.FunctionDef | ast.ClassDef) and not (
                node.name.startswith("_") or ast.get_docstring(node)
            ):
                missing.append(f"{path.name}: {node.name}")
    assert missing == []


def test_the_tree_speaks_of_the_project_alone() -> None:
    words = re.compile(r"\b(TODO|FIXME|XXX)\b|/work/|/tmp/v")
    found = [
        f"{path.relative_to(ROOT)}: {line.strip()}"
        for folder in ("archlab", "cli", "docs")
        for path in (ROOT / folder).rglob("*")
        if path.suffix in (".py", ".md")
        for line in path.read_text().splitlines()
        if words.search(line)
    ]
    assert found == []
