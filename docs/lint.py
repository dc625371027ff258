"""Writes the pages of lint's rules and of what they find in published architectures.

`python docs/lint.py` writes docs/reference/lint-rules.md from the docstrings of the rules, and
docs/reference/lint-findings.md from docs/results/lint.json, what was found; `--run` finds it anew, which takes minutes.
"""

from __future__ import annotations

import gc
import inspect
import json
import sys
from collections.abc import Iterator, Mapping
from importlib.metadata import version
from pathlib import Path

from archlab.lint import GROUPS, Rule, lint, own_rules
from archlab.sources import names

DOCS = Path(__file__).parent
RULES = DOCS / "reference" / "lint-rules.md"
FINDINGS = DOCS / "reference" / "lint-findings.md"
RESULTS = DOCS / "results" / "lint.json"
KINDS = DOCS.parent / "tests" / "lint" / "kinds.json"

# Why a kind of fault of the corpus is reported by no rule.
UNSEEN: Mapping[str, str] = {
    "equivalent-head": "two heads that say the same: neither is at fault",
    "relu-bottleneck": "what a narrow ReLU loses shows in training: at initialization half of all units are 0",
    "capacity-too-small": "how many units a task takes, only its data say",
    "labels-scaled": "labels are not looked at",
    "constant-labels": "labels are not looked at",
    "random-labels": "labels are not looked at",
    "learning-rate-too-high": "within the range that the optimizer bears: only training tells",
    "learning-rate-too-low": "within the usual range: only training tells",
    "wrong-optimizer": "another optimizer does as well on most tasks: only training tells",
    "too-few-epochs": "the number of epochs is no part of a model",
    "batch-size": "the batch size is no part of a model",
    "no-regularisation": "whether a network overfits shows on other images than those it was trained on",
    "dropout-rate": "below 0.7 a rate is a matter of the data",
    "not-stated": "nobody says what is wrong",
}

# Why a finding of a warning or an error in a published architecture stands.
DEFENCES: Mapping[str, str] = {
    "A302": "Keras's ResNets of version 1, and the zoo's, which follow them weight by weight, have a bias before every "
    "batch normalization, which subtracts it again. The waste is small, and it is real. Without the biases, "
    "weights that are published for these networks no longer fit: with those, ignore the rule.",
    "A301": "The lecture's `plain` is the residual network without its shortcuts: units of normalization, ReLU and "
    "convolution, so that its last convolution has no activation behind it, and the pooled features go straight "
    "into the last dense layer. In the residual network the sum stands between. A final normalization and ReLU, "
    "as in ResNet V2 and DenseNet, makes the last layer one of two.",
    "C501": "VGG's first dense layer has about three quarters of its parameters. GoogLeNet, ResNet and what followed "
    "use global average pooling in its place.",
}

RULES_INTRO = """# Rules of lint

This page is written by `python docs/lint.py` from the docstrings of the rules. `archlab lint --explain CODE` prints the
same. A rule that is off is asked with `--select`; see [Lint and budgets](../how-to/lint.md).
"""

FINDINGS_INTRO = """# Findings in published architectures

What lint finds, with no option, in every architecture of the zoo and in all {apps} models of `keras.applications`
(Keras {keras}): {count} findings of error or warning in {models} models. Written by `python docs/lint.py` from
`docs/results/lint.json`; `--run` finds it anew.

A rule that fired on most published networks would report a fashion, not a fault. Each finding is therefore listed here
and defended.
"""


def rules_page() -> str:
    """The page of all rules."""
    lines = [RULES_INTRO, "| code | rule | severity | mended by `--fix` | finds |", "| --- | --- | --- | --- | --- |"]
    for rule in own_rules().values():
        state = rule.severity if rule.on else f"{rule.severity}, off"
        anchor = f"{rule.code}-{rule.name}".lower()
        mark = "yes" if rule.fixes else ""
        lines.append(f"| [{rule.code}](#{anchor}) | {rule.name} | {state} | {mark} | {rule.summary} |")
    for letter, group in GROUPS.items():
        lines += ["", f"## {letter}: {group}"]
        for rule in own_rules().values():
            if rule.code.startswith(letter):
                lines += ["", *_rule(rule)]
    return "\n".join([*lines, "", *_unseen()]) + "\n"


def _rule(rule: Rule) -> Iterator[str]:
    state = rule.severity if rule.on else f"{rule.severity}, off by default"
    yield f"### {rule.code} {rule.name}"
    yield ""
    yield f"*{state}*"
    yield ""
    yield rule.manual
    yield ""
    yield f"Source: {rule.source}."


def _unseen() -> Iterator[str]:
    """Kinds of fault that no rule reports."""
    kinds = json.loads(KINDS.read_text(encoding="utf-8"))
    yield "## What no rule reports"
    yield ""
    yield "Public studies of faulty programs name kinds of fault that neither the architecture nor what it is compiled"
    yield "with shows. `tests/lint/kinds.json` has each kind with the rules that report it; these have none:"
    yield ""
    yield "| kind | why |"
    yield "| --- | --- |"
    for kind, codes in kinds.items():
        if codes is None:
            yield f"| {kind} | {UNSEEN[kind]} |"


def findings_page() -> str:
    """The page of what was found."""
    data = json.loads(RESULTS.read_text(encoding="utf-8"))
    found = dict(data["findings"])
    shown = {name: [row for row in rows if row["severity"] != "info"] for name, rows in found.items()}
    count = sum(map(len, shown.values()))
    apps = sum(name.startswith("keras:") for name in found)
    lines = [FINDINGS_INTRO.format(apps=apps, keras=data["keras"], count=count, models=len(found))]
    codes = sorted({row["code"] for rows in shown.values() for row in rows})
    for code in codes:
        rule = own_rules()[code]
        lines += [f"## {code} {rule.name}", "", DEFENCES[code], "", "| model | finding |", "| --- | --- |"]
        for name, rows in shown.items():
            lines += [f"| `{name}` | {_cell(row['message'])} |" for row in rows if row["code"] == code]
        lines.append("")
    lines += [
        "## At `--severity info`",
        "",
        "Explanations, of which none asks for a change, by how many models have them:",
        "",
    ]
    lines += ["| code | rule | models |", "| --- | --- | --- |"]
    infos: dict[str, int] = {}
    for rows in found.values():
        for code in {row["code"] for row in rows if row["severity"] == "info"}:
            infos[code] = infos.get(code, 0) + 1
    lines += [f"| {code} | {own_rules()[code].name} | {infos[code]} |" for code in sorted(infos)]
    none = [name for name, rows in shown.items() if not rows]
    lines += ["", "## Without a finding", "", ", ".join(f"`{name}`" for name in none) + "."]
    return "\n".join(lines) + "\n"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def run() -> None:
    """Look at every architecture anew, and write down what is found."""
    from archlab.bridge import load_any_keras

    keras = load_any_keras()
    applications = sorted(name for name, value in vars(keras.applications).items() if inspect.isfunction(value))
    found: dict[str, object] = {}
    for reference in (*names(), *(f"keras:{name}" for name in applications)):
        found[reference] = [
            {key: row[key] for key in ("code", "severity", "message")}
            for row in lint(reference, severity="info").to_dict()
        ]
        print(reference, file=sys.stderr, flush=True)
        keras.backend.clear_session()
        gc.collect()
    data = {"archlab": version("archlab"), "keras": keras.__version__, "findings": found}
    RESULTS.write_text(json.dumps(data, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def main(arguments: list[str]) -> None:
    """Write the pages."""
    if "--run" in arguments:
        run()
    RULES.write_text(rules_page(), encoding="utf-8")
    FINDINGS.write_text(findings_page(), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
