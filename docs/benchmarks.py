"""Writes the page of benchmarks, and the tables of the comparison with other tools, from the results in `results/`.

python docs/benchmarks.py renews `benchmarks.md`, and the tables of `comparison.md`.
"""

from __future__ import annotations

import json
import re
import textwrap
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from typing import Any

from scipy.stats import spearmanr

DOCS = Path(__file__).parent
HEAD = """# Benchmarks

Tables of times and errors. `python docs/benchmarks.py` makes them from raw results in `docs/results`. Above each table
stand the command that measured it, the date and the versions, where they were kept. The machines were servers with two
cores, which other programs used too where nothing else is said: times vary by a third between runs. Compare within a
table, not across tables.
"""


def _read(name: str) -> dict[str, Any]:
    return json.loads((DOCS / "results" / f"{name}.json").read_text(encoding="utf-8"))


def _said(*sentences: str) -> str:
    """A paragraph, in lines of the width of the documentation's own, and the empty line behind it."""
    return textwrap.fill(" ".join(sentences), 120, break_long_words=False, break_on_hyphens=False) + "\n"


def _row(*cells: object) -> str:
    return f"| {' | '.join(map(str, cells))} |"


def _of(environment: dict[str, Any], *names: str) -> str:
    known = {"python": "Python", "cores": "cores", "tensorflow": "TensorFlow", "torch": "PyTorch", "keras": "Keras"}
    shown = [name for name in names or environment if name in environment]
    return ", ".join(f"{environment[name]} cores" if name == "cores" else f"{known.get(name, name)} {environment[name]}"
                     for name in shown)  # fmt: skip


def startup() -> Iterator[str]:
    """Whole processes of static commands."""
    found = _read("startup")
    yield _said(
        f"`python -m tests.benchmarks.startup`, {found['date']}: medians of {found['runs']} whole processes"
        f" ({_of(found['environment'])}). The processor's time is what an idle machine takes."
    )
    yield _row("process", "processor (s)", "clock (s)", "fastest (s)")
    yield _row("---", "---:", "---:", "---:")
    for name, row in found["rows"].items():
        yield _row(f"`{name}`", f"{row['cpu']:.2f}", f"{row['seconds']:.2f}", f"{row['fastest']:.2f}")


def static() -> Iterator[str]:
    """All static analyses in-process, beside tools that count a PyTorch twin."""
    found = _read("static")
    yield _said(
        f"`python -m tests.benchmarks.static`, {found['date']}: medians of 9 in-process runs, in turns",
        f"({_of(found['environment'])}). The others run or trace a twin in PyTorch on one image of 224 × 224",
        "pixels, and count parameters and MACs; archlab computes parameters, MACs, FLOPs, memory and receptive fields",
        "from the graph.",
    )
    rows = found["rows"]
    yield _row("tool", *(f"{name} (ms)" for name in rows), *(f"relative to torchinfo, {name}" for name in rows))
    yield _row("---", *["---:"] * (2 * len(rows)))
    for tool in next(iter(rows.values())):
        times = [row[tool] for row in rows.values()]
        shares = [row[tool] / row["torchinfo"] for row in rows.values()]
        yield _row(tool, *(f"{1e3 * each:,.0f}" for each in times), *(f"{each:.3f}" for each in shares))


def memory() -> Iterator[str]:
    """Predicted peak memory of a training step against the high-water mark of processes."""
    found = _read("memory")
    errors = [row["predicted"] / row["measured"] - 1 for row in found["rows"]]
    yield _said(
        f"`python -m tests.benchmarks.memory` ({_of(found['environment'], 'python', 'tensorflow', 'keras')}):",
        f"{len(errors)} training steps with {found['optimizer']}, each in a process of its own.",
        f"The median error is {100 * median(map(abs, errors)):.0f} %.",
    )
    yield _row("architecture", "input (px)", "batch", "precision", "measured (MiB)", "predicted (MiB)", "error")
    yield _row("---", "---:", "---:", "---", "---:", "---:", "---:")
    for row, error in zip(found["rows"], errors, strict=True):
        sizes = (f"{row[each] / 2**20:,.0f}" for each in ("measured", "predicted"))
        yield _row(row["name"], row["input"], row["batch"], row["precision"], *sizes, _signed(error))


def _signed(share: float) -> str:
    return f"{100 * share:+.0f} %".replace("-", "−")


def latency() -> Iterator[str]:
    """Predicted times against the fastest run of Keras models, by pass and batch."""
    found = _read("latency")
    device = found["device"]
    yield _said(
        f"`python -m tests.benchmarks.latency` on {device['processor']}, {device['threads']} cores, after",
        "`archlab calibrate`: predicted times against the fastest run of Keras models, none of which a calibration",
        "measures. Nothing else ran on the machine.",
    )
    heads = ("models", "rank correlation", "that of MACs", "median error", "within 1.4×")
    yield _row("pass", "threads", "batch", *heads)
    yield _row("---", *["---:"] * (2 + len(heads)))
    groups: dict[tuple[str, int, int], list[dict[str, Any]]] = {}
    for row in found["rows"]:
        key = row["what"].replace("_", " "), row["threads"], row["batch"]
        groups.setdefault(key, []).append(row)
    for key, rows in sorted(groups.items()):
        ratios = [row["predicted"] / row["fastest"] for row in rows]
        measured = [row["fastest"] for row in rows]
        ranks = [spearmanr([row[by] for row in rows], measured).statistic for by in ("predicted", "macs")]
        within = sum(max(each, 1 / each) <= 1.4 for each in ratios) / len(ratios)
        error = median(abs(each - 1) for each in ratios)
        yield _row(*key, len(rows), *[f"{rank:.2f}" for rank in ranks], f"{100 * error:.0f} %", f"{100 * within:.0f} %")


def peers(name: str) -> Iterator[str]:
    """What other tools print of one network, and how far it is from the count."""
    found = _read("peers")[name]
    truth = found["rows"][0]
    columns = [each for each in ("parameters", "macs", "flops", "receptive field")
               if any(each in row for row in found["rows"])]  # fmt: skip
    heads = {"macs": "MACs", "flops": "FLOPs", "receptive field": "receptive field (px)"}
    yield _said(f"{found['date']}; {_of(found['environment'])}.")
    yield _row("tool", "version", *(heads.get(each, each) for each in columns), "MACs too many")
    yield _row("---", "---", *["---:"] * len(columns), "---:")
    for row in found["rows"]:
        cells = [f"{row[each]:,}" if each in row else "" for each in columns]
        more = f"{row['macs'] - truth['macs']:,}" if "macs" in row and row is not truth else ""
        failed = "does not run" if "failed" in row else more
        name = "tf.profiler (TensorFlow)" if row["tool"] == "tensorflow" else row["tool"]
        yield _row(name, row.get("version", ""), *cells, failed)


PARTS = {
    "Start-up": startup,
    "Static analyses": static,
    "Memory of a training step": memory,
    "Time of a pass": latency,
}
TAIL = """## Elsewhere

- Counts and receptive fields beside other tools': [Comparison with other tools](comparison.md).
- Accuracies and training times: [Training results](concepts/training.md).
- Forecasts of what trains, against training: [Will it train?](concepts/forecast.md).
- Findings in published architectures: [Findings](reference/lint-findings.md).
"""


def page() -> str:
    """The page of benchmarks."""
    parts = ("\n".join([f"## {title}", "", *lines()]) + "\n" for title, lines in PARTS.items())
    return "\n".join([HEAD, *parts, TAIL])


def compared(text: str) -> str:
    """The page of the comparison with its tables made anew: each stands between two comments that name its network."""

    def renewed(match: re.Match[str]) -> str:
        return "\n".join([f"<!-- {match[1]} -->", "", *peers(match[1]), "", f"<!-- end of {match[1]} -->"])

    return re.sub(r"<!-- ([^>]+?) -->\n.*?<!-- end of \1 -->", renewed, text, flags=re.DOTALL)


def main() -> None:
    """Write both pages."""
    (DOCS / "benchmarks.md").write_text(page(), encoding="utf-8")
    comparison = DOCS / "comparison.md"
    comparison.write_text(compared(comparison.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main()
