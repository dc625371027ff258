"""Recall and false alarms on a corpus of faulty networks, and of the same networks remedied.

    python -m tests.benchmarks.faulty FOLDER [--json FILE] [--all]

The folder holds `faulty_models.py`, whose `CASES` each build a network at fault and, where a remedy is known, the
remedied one, and say which kinds of fault a linter owes. `tests/lint/kinds.json` says which rules report a kind.

Counted is as the corpus counts: a fault that is owed (not disputed) is found where a rule of its kind reports it at
the network at fault. A false alarm is a finding at the remedied network, at default severity, of a rule that reports
no kind which the remedy leaves or the case disputes. Rules of taste are off, as they are by default.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import re
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

from archlab import Findings, lint

KINDS: dict[str, list[str] | None] = json.loads(
    (Path(__file__).parent.parent / "lint" / "kinds.json").read_text(encoding="utf-8")
)
SEEN = ("architecture", "compile")
GRADES = ("fault", "waste")


def main() -> None:
    """Print the score."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("folder", nargs="?", default=os.environ.get("ARCHLAB_FAULTY_MODELS", ""))
    parser.add_argument("--json", type=Path, help="write what was found to this file")
    parser.add_argument(
        "--all", action="store_true", help="count faults too that take the task, as far as it is stated"
    )
    options = parser.parse_args()
    module = corpus(Path(options.folder)) if options.folder else None
    if module is None:
        print(f"no corpus at {options.folder or '(no folder given)'}: skipped", file=sys.stderr)
        return
    rows = [row for case in module.CASES for row in scored(case, module.KINDS, options.all)]
    alarms = [alarm for case in module.CASES for alarm in false_alarms(case, options.all)]
    if options.json:
        options.json.write_text(json.dumps({"faults": rows, "false_alarms": alarms}, indent=2) + "\n", encoding="utf-8")
    report(rows, alarms)


def corpus(folder: Path) -> Any:
    """The module of a corpus; None where there is none."""
    path = folder / "faulty_models.py"
    if not path.is_file():
        return None
    spec = importlib.util.spec_from_file_location("faulty_models", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["faulty_models"] = module  # dataclasses look their module up
    sys.dont_write_bytecode = True
    spec.loader.exec_module(module)
    return module


def linted(case: Any, build: Callable[[], Any], with_task: bool) -> Findings:
    """What is found, by the model's own compile settings; the task and the range of inputs are told if asked."""
    return lint(build, task=task_of(case) if with_task else None, input_range=range_of(case) if with_task else None)


def scored(case: Any, kinds: Any, with_task: bool) -> list[dict[str, object]]:
    """A row for each fault that is owed and could be shown."""
    found = set(linted(case, case.build, with_task).codes)
    rows: list[dict[str, object]] = []
    for kind in sorted(case.kinds):
        about = kinds[kind]
        if about.grade not in GRADES or about.seen not in (*SEEN, *(("task",) if with_task else ())):
            continue
        codes = KINDS[kind] or []
        hit = sorted(found & set(codes))
        rows.append({"case": case.id, "kind": kind, "grade": about.grade, "seen": about.seen, "found": hit})
    return rows


def false_alarms(case: Any, with_task: bool) -> list[dict[str, object]]:
    """Findings at the remedied network that nothing in the corpus speaks for."""
    if case.build_fixed is None:
        return []
    allowed = {*case.left, *(fault.kind for fault in case.faults if fault.disputed)}
    codes = {code for kind in allowed for code in KINDS[kind] or []}
    found = linted(case, case.build_fixed, with_task)
    return [
        {"case": case.id, "code": each.code, "rule": each.rule, "message": each.message}
        for each in found
        if each.code not in codes
    ]


def task_of(case: Any) -> str | None:
    """The task as the corpus states it, where it is one that can be told."""
    kind, count, _ = case.labels
    if kind == "classes" and count and count > 1:
        return f"classes:{count}"
    if kind == "labels" and count:
        return f"labels:{count}"
    if kind in ("real", "map"):
        ends = _numbers(case.labels[2])
        return f"regression:{ends[0]:g}:{ends[1]:g}" if ends else "regression" if kind == "real" else None
    return "binary" if kind == "binary" else None


def range_of(case: Any) -> tuple[float, float] | None:
    """The range of inputs, where it is stated as 'LOW to HIGH'."""
    return _numbers(case.inputs)


def _numbers(text: str) -> tuple[float, float] | None:
    match = re.match(r"(-?[\d.]+) to (-?[\d.]+)", text)
    ends = (float(match[1]), float(match[2])) if match else None
    return ends if ends and ends[0] < ends[1] else None


def report(rows: list[dict[str, object]], alarms: list[dict[str, object]]) -> None:
    """The score in lines."""
    missed = [row for row in rows if not row["found"]]
    for grade in GRADES:
        of = [row for row in rows if row["grade"] == grade]
        hit = [row for row in of if row["found"]]
        print(f"{grade}: {len(hit)} of {len(of)} found, recall {len(hit) / max(len(of), 1):.1%}")
    print(f"all: {len(rows) - len(missed)} of {len(rows)} found, recall {1 - len(missed) / max(len(rows), 1):.1%}")
    for row in missed:
        print(f"  missed: {row['case']}: {row['kind']}")
    print(f"false alarms on remedied networks: {len(alarms)}")
    for alarm, count in Counter(
        (str(each["case"]), str(each["code"]), str(each["message"])) for each in alarms
    ).items():
        print(f"  {alarm[0]}: {alarm[1]} {alarm[2]}" + (f" ({count})" if count > 1 else ""))


if __name__ == "__main__":
    main()
