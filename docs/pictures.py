"""Creates the figures of the documentation from measurements: `python docs/pictures.py`."""

from __future__ import annotations

import fcntl
import io
import os
import pty
import re
import shutil
import struct
import subprocess
import sys
import termios
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from rich.console import Console
from rich.text import Text

from archlab import (
    BatchNorm,
    Conv,
    Dense,
    GlobalAvgPool,
    Input,
    Part,
    ReLU,
    Residual,
    compare,
    diff,
    gradient_flow,
    predict_gradient_flow,
    render,
    sweep,
)
from archlab.bridge import load_keras
from archlab.charts import by_depth, save, slopes
from archlab.data import open_images

IMAGES = Path(__file__).parent / "images"
DEEP = "depth=50,width=16,normalization=none,conv=ordinary"
GALLERY = {
    "plain-glorot": {},
    "plain-he": {"initializer": "he_normal"},
    "plain-batch-glorot": {"normalized": True},
    "residual-glorot": {"shortcuts": True},
    "residual-he": {"shortcuts": True, "initializer": "he_normal"},
    "residual-batch-glorot": {"shortcuts": True, "normalized": True},
}


def chain(shortcuts: bool = False, normalized: bool = False, initializer: str = "glorot_uniform") -> Part:
    """The networks of the gallery: 50 convolutions with 16 channels on feature maps of 32 × 32."""
    conv = Conv(16, initializer=initializer)
    unit = BatchNorm() >> ReLU() >> conv if normalized else ReLU() >> conv
    net = (
        Input(32, 32, 3) >> conv >> Residual(unit * 2) * 24 >> unit >> GlobalAvgPool() >> Dense(1, activation="sigmoid")
    )
    return net if shortcuts else net.without(Residual)


def gallery() -> None:
    """Activation and kernel gradients of each network of the gallery, and the activation gradients of all six."""
    measured, predicted = [], []
    for name, arguments in GALLERY.items():
        net = chain(**arguments)
        flow, theory = gradient_flow(net, seeds=5), predict_gradient_flow(net)
        title = name.replace("-", ", ").replace("batch, glorot", "batch normalization").replace("he", "He")
        measured.append((title.replace("glorot", "Glorot"), flow.curve))
        predicted.append((title.replace("glorot", "Glorot"), theory.curve))
        ends = [f"{flow.curve[place].kernel_gradient_norm:.0e}" for place in (0, 25, 49)]
        print(name, *ends, f"{flow.slope:+.3f} {theory.slope:+.3f} {flow.verdict}", flow.precision)
        for quantity, file in (("activation_gradient_rms", "signal"), ("kernel_gradient_norm", "kernel")):
            chart = by_depth([measured[-1]], quantity, [predicted[-1]], width=300, height=210)
            save(chart, IMAGES / f"gallery-{name}-{file}.svg")
    save(by_depth(measured, predicted=predicted, height=340), IMAGES / "gallery.svg")


def table() -> None:
    """The kernel gradients on random normal input for one initialization at a time, as rows of markdown."""
    random = np.random.default_rng(0)
    x = random.standard_normal((16, 32, 32, 3)).astype("float32")
    y = random.integers(0, 2, (16, 1)).astype("float32")
    for name, arguments in GALLERY.items():
        curves = [gradient_flow(chain(**arguments), x, y, seeds=(seed,)).curve for seed in range(5)]
        cells = []
        for place in (0, 25, 49):
            values = sorted(curve[place].kernel_gradient_norm or 0 for curve in curves)
            cells.append(f"{values[2]:.0e} ({values[0]:.0e} … {values[-1]:.0e})")
        print("|", name, "|", " | ".join(cells), "|")


def depths() -> None:
    """The slope by depth of networks of the zoo, with and without residual connections and normalization."""
    bare = "normalization=none,conv=ordinary"
    series = {
        "plain:width=16": "plain, batch normalization",
        "residual:width=16": "residual, batch normalization",
        f"plain:width=16,{bare}": "plain, no normalization",
        f"residual:width=16,{bare}": "residual, no normalization",
    }
    found = sweep(*series, depths=(10, 20, 50, 100), input=(64, 64))
    points = [(series[each.base.rsplit(",depth=", 1)[0]], each.depth or 0, each.flow.slope) for each in found]
    save(slopes(points), IMAGES / "slope-by-depth.svg")


def gradients() -> None:
    """The activation gradient by depth of two networks of the zoo, with the interquartile range over seeds shaded.

    Projection shortcuts, which have the same depth as a layer of the body, are omitted.
    """
    nets = {
        f"plain:{DEEP}": "50 layers without residual connections",
        f"residual:{DEEP}": "50 layers with residual connections",
    }
    curves = []
    for name, title in nets.items():
        flow = gradient_flow(name, seeds=5)
        print(name, f"{flow.slope:+.3f} {flow.verdict}")
        curves.append((title, [layer for layer in flow.curve if not layer.name.endswith("shortcut")]))
    save(by_depth(curves), IMAGES / "gradients.svg")


def synthetic_images() -> None:
    """Images of `shapes`: cats above, dogs below."""
    tf, _ = load_keras()
    pixels = open_images("shapes:train=16,validation=2,test=2,size=80,seed=7", (80, 80)).train.pixels
    rows = [np.concatenate(list(pixels[start : start + 8]), axis=1) for start in (0, 8)]
    # Noise, of which the images are full, takes a lossless file ten times as much.
    (IMAGES / "shapes.jpg").write_bytes(tf.io.encode_jpeg(np.concatenate(rows), quality=80).numpy())


def architectures() -> None:
    """Graphs and feature maps of `archlab render`."""
    render("residual").save(IMAGES / "residual.svg")
    render("resnet152").save(IMAGES / "resnet152.svg")
    render("residual", view="pyramid").save(IMAGES / "pyramid.svg")
    render("residual", view="receptive-field").save(IMAGES / "field.svg")
    render("resnet50", direction="right", aspect="16:9").save(IMAGES / "slide.svg")
    render("resnet50", "layer").save(IMAGES / "resnet50-layers.svg")
    render("keras:DenseNet121", "stage").save(IMAGES / "densenet121.svg")
    render("keras:InceptionV3", only="stage4").save(IMAGES / "inception.svg")
    gate = render("keras:MobileNetV3Small", "layer", only="expanded_conv_3", input=(224, 224))
    gate.save(IMAGES / "gate.svg")


def difference() -> None:
    """The differences between the two networks of the lecture."""
    diff("baseline", "residual").render().save(IMAGES / "diff.svg")


def report() -> None:
    """The report of the lecture's two networks: its first screen, an unfolded graph in dark mode, a phone, paper."""
    from playwright.sync_api import sync_playwright

    system = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    root = hasattr(os, "geteuid") and os.geteuid() == 0
    page = compare("baseline", "residual").to_html(command="archlab compare baseline residual --output report.html")
    with sync_playwright() as playwright, TemporaryDirectory() as folder:
        file = Path(folder) / "report.html"
        file.write_text(page, encoding="utf-8")
        browser = playwright.chromium.launch(executable_path=system, args=["--no-sandbox"] if root else [])
        for scheme in ("light", "dark"):
            shown = browser.new_page(viewport={"width": 1240, "height": 860}, color_scheme=scheme)
            shown.emulate_media(reduced_motion="reduce", color_scheme=scheme)
            shown.goto(file.as_uri())
            shown.wait_for_selector("html[data-ready]")
            if scheme == "dark":
                shown.locator("#net-residual").evaluate("each => each.scrollIntoView()")
                shown.locator('[data-path="stage3"]').last.press("Enter")
            shown.screenshot(path=IMAGES / f"report-{scheme}.png")
            if scheme == "light":
                shown.set_viewport_size({"width": 390, "height": 780})
                shown.screenshot(path=IMAGES / "report-phone.png")
                shown.set_viewport_size({"width": 794, "height": 1123})
                shown.emulate_media(media="print")
                shown.screenshot(path=IMAGES / "report-print.png")
        browser.close()


def _on_terminal(command: list[str], variables: dict[str, str], width: int) -> str:
    """What a command writes to a terminal of so many columns."""
    ours, its = pty.openpty()
    fcntl.ioctl(its, termios.TIOCSWINSZ, struct.pack("HHHH", 60, width, 0, 0))
    with subprocess.Popen(command, env=variables, stdin=its, stdout=its, stderr=subprocess.DEVNULL):
        os.close(its)
        read = b""
        # A terminal whose other end is closed is an error, not an end, on Linux.
        with suppress(OSError):
            while more := os.read(ours, 65536):
                read += more
    os.close(ours)
    return read.decode().replace("\r\n", "\n")


def terminal() -> None:
    """`archlab compare` in terminals of 80 and of 120 columns."""
    for width in (80, 120):
        variables = {**os.environ, "FORCE_COLOR": "1", "COLUMNS": str(width), "TERM": "xterm-256color"}
        command = [sys.executable, "-m", "archlab_cli", "compare", "baseline", "residual", "resnet50", "--static"]
        shown = _on_terminal(command, variables, width)
        console = Console(width=width, record=True, file=io.StringIO(), force_terminal=True)
        console.print(Text.from_ansi(f"$ archlab {' '.join(command[3:])}\n{shown}"), soft_wrap=True)
        made = console.export_svg(title=f"{width} columns", unique_id=f"terminal{width}")
        # Its font is on a server: the reader's own is as good, and nothing is fetched.
        made = re.sub(r"@font-face \{.*?\}\s*", "", made, flags=re.DOTALL).replace("Fira Code", "DejaVu Sans Mono")
        (IMAGES / f"terminal-{width}.svg").write_text(made, encoding="utf-8")


if __name__ == "__main__":
    IMAGES.mkdir(exist_ok=True)
    for draw in (gallery, depths, gradients, synthetic_images, architectures, difference, report, terminal):
        draw()
