"""The README: its code runs, its commands are the ones that work, its output is what comes out."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

README = (Path(__file__).resolve().parents[1] / "README.md").read_text(encoding="utf-8")


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # Keras's own use of NumPy
def test_the_code_runs(capsys: pytest.CaptureFixture[str]) -> None:
    (code,) = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    exec(code, {})
    table, slope = capsys.readouterr().out.rsplit("\n", 2)[:2]
    assert "721,857" in table and "546,753" in table
    assert abs(float(slope)) < 0.1


def test_the_static_part_of_the_output_is_what_comes_out(archlab_cli_static: str) -> None:
    shown = README.split("$ archlab compare baseline residual\n")[1].split("\n\nWhat differs")[0]
    assert shown == archlab_cli_static.split("\n\nWhat differs")[0]


@pytest.fixture
def archlab_cli_static() -> str:
    from archlab import compare

    return str(compare("baseline", "residual", static=True))


def test_links_lead_somewhere() -> None:
    root = Path(__file__).resolve().parents[1]
    links = re.findall(r"\]\((?!http)([^)#]+)\)", README)
    assert links
    assert [link for link in links if not (root / link).exists()] == []


def test_one_line_for_the_main_job_and_one_for_the_tests() -> None:
    lines = re.findall(r"```sh\n(.*?)\n```", README, re.DOTALL)
    assert [
        line.endswith(end) for line, end in zip(lines, ("archlab compare baseline residual", "pytest"), strict=True)
    ]
    assert all("\n" not in line and line.startswith("python3 -m venv .venv && ") for line in lines)
