"""Saved Keras models that mean harm, each made from scratch. None of them needs Keras to be made."""

from __future__ import annotations

import io
import json
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

Make = Callable[[Path], None]

MARK = "ran"
"""The name of the file, beside the model, that any code of its would leave."""


def layer(kind: str, name: str, after: str | None, module: str = "keras.layers", **config: Any) -> dict[str, Any]:
    """A layer as Keras writes it down, called on the layer before."""
    tensor = {"class_name": "__keras_tensor__",
              "config": {"shape": [None, 8, 8, 3], "dtype": "float32", "keras_history": [after, 0, 0]}}  # fmt: skip
    nodes = [] if after is None else [{"args": [tensor], "kwargs": {}}]
    config = {"name": name, **config}
    return {"module": module, "class_name": kind, "config": config, "registered_name": None, "name": name,
            "inbound_nodes": nodes}  # fmt: skip


def photo(*shape: int) -> dict[str, Any]:
    """An input."""
    return layer("InputLayer", "photo", None, batch_shape=[None, *(shape or (8, 8, 3))], dtype="float32")


def model(*layers: dict[str, Any]) -> dict[str, Any]:
    """A functional model of these layers."""
    first, last = layers[0]["name"], layers[-1]["name"]
    config = {"name": "net", "trainable": True, "layers": list(layers), "input_layers": [[first, 0, 0]],
              "output_layers": [[last, 0, 0]]}  # fmt: skip
    return {"module": "keras.src.models.functional", "class_name": "Functional", "config": config,
            "registered_name": "Functional"}  # fmt: skip


def saved(config: Any, **members: bytes) -> Make:
    """A file with this configuration, whatever it is."""
    text = config if isinstance(config, bytes) else json.dumps(config).encode()

    def make(path: Path) -> None:
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("config.json", text)
            for name, data in members.items():
                archive.writestr(name.replace("_", "."), data)

    return make


def chain(kind: str, **config: Any) -> Make:
    """A model of one layer with these arguments."""
    return saved(model(photo(), layer(kind, "big", "photo", **config)))


def cut(path: Path) -> None:
    """A good file of which the end is missing."""
    chain("Flatten")(path)
    path.write_bytes(path.read_bytes()[:-40])


def many_members(path: Path) -> None:
    """Two million members, by a directory that is one entry again and again."""
    one = io.BytesIO()
    with zipfile.ZipFile(one, "w") as archive:
        archive.writestr("config.json", "{}")
    data = one.getvalue()
    start = data.index(b"PK\x01\x02")
    end = data.index(b"PK\x05\x06")
    entry = data[start:end]
    ending = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 0xFFFF, 0xFFFF, len(entry) * 2_000_000, start, 0)
    path.write_bytes(data[:start] + entry * 2_000_000 + ending)


def lying(member: str, packed: int | None = None, unpacked: int | None = None) -> Make:
    """A file whose directory gives other sizes of one member than there are."""

    def make(path: Path) -> None:
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("config.json", b" " * 20 * 2**20 if member == "config.json" else b"{}")
            archive.writestr("model.weights.h5", b"\0" * 2**20)
        data = bytearray(path.read_bytes())
        place = data.rindex(member.encode()) - 46
        assert data[place : place + 4] == b"PK\x01\x02"
        if packed is not None:
            struct.pack_into("<L", data, place + 20, packed)
        if unpacked is not None:
            struct.pack_into("<L", data, place + 24, unpacked)
        path.write_bytes(data)

    return make


def packed_by(method: int) -> Make:
    """A configuration of blanks, packed by a method that unpacks without a bound."""

    def make(path: Path) -> None:
        with zipfile.ZipFile(path, "w", method) as archive:
            archive.writestr("config.json", b" " * 2**26)

    return make


def unpacked(size: int, member: str) -> Make:
    """A file of which one member unpacks to so many bytes."""

    def make(path: Path) -> None:
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
            if member != "config.json":
                archive.writestr("config.json", json.dumps(model(photo())))
            with archive.open(member, "w", force_zip64=True) as file:
                for _ in range(size // 2**20):
                    file.write(b" " * 2**20)

    return make


def function(name: str, module: str) -> dict[str, Any]:
    """A function by its name, as Keras writes it down."""
    return {"module": module, "class_name": "function", "config": name, "registered_name": name}


def code() -> dict[str, Any]:
    """A lambda that leaves a mark when it is made or called."""
    import base64
    import marshal

    made = compile(f"(lambda: [open({MARK!r}, 'w').close()])()", "x", "eval")
    text = base64.b64encode(marshal.dumps(made)).decode()
    return {"class_name": "__lambda__", "config": {"code": text, "defaults": None, "closure": None, "value": text}}


def deep(levels: int) -> bytes:
    return b"[" * levels + b"]" * levels


HUGE = 10**12

REFUSED: dict[str, tuple[Make, str]] = {
    "cut short": (cut, "is not a Keras file, or it is cut short"),
    "no zip": (lambda path: path.write_bytes(b"\x89HDF\r\n" * 100) and None, "is not a Keras file"),
    "empty": (lambda path: path.write_bytes(b"") and None, "is not a Keras file"),
    "a config that unpacks to 400 MiB": (unpacked(400 * 2**20, "config.json"), "far more than its"),
    "a config that unpacks to 100 MiB": (unpacked(100 * 2**20, "config.json"), "larger than 8,388,608 bytes"),
    "weights that unpack to 2 GiB": (unpacked(2 * 2**30, "model.weights.h5"), "far more than its"),
    "many members": (many_members, "its directory takes more than 1,048,576 bytes"),
    "a config smaller than it is": (lying("config.json", unpacked=100), "is not as large as the file says"),
    "a config as small as it says": (lying("config.json", packed=10**4, unpacked=10**4), "cut short"),
    "weights smaller than they are": (lying("model.weights.h5", unpacked=100), "is not as large as the file says"),
    "weights larger than the file": (lying("model.weights.h5", packed=2**31), "is not as large as the file says"),
    "packed by bzip2": (packed_by(zipfile.ZIP_BZIP2), "is compressed by a method other than deflate"),
    "packed by LZMA": (packed_by(zipfile.ZIP_LZMA), "is compressed by a method other than deflate"),
    "no UTF-8": (saved(b"\xff\xfe{\x00}\x00"), "its config.json is invalid JSON: 'utf-8' codec can't decode byte 0xff"),
    "no JSON": (saved(b"import os"), "its config.json is invalid JSON: Expecting value"),
    "no object": (saved([1, 2]), "its config.json describes no model"),
    "eight million brackets": (saved(deep(4 * 2**20 - 1)), "nested more than 200 deep"),
    "deep": (saved({"class_name": "Functional", "config": json.loads(deep(300))}), "nested more than 200 deep"),
    "a number of a million digits": (saved(b'{"class_name": ' + b"9" * 10**6 + b"}"), "is invalid JSON"),
    "os.system as the model": (
        saved({"module": "os", "class_name": "system", "config": {"command": f"touch {MARK}"},
               "registered_name": "system"}),
        "is of 'os.system', which is not Keras's own",
    ),
    "os.system as a layer": (
        saved(model(photo(), layer("system", "evil", "photo", "os", command=f"touch {MARK}"))),
        "the layer 'evil' is of 'os.system', which is not Keras's own",
    ),
    "os.system as an activation": (
        chain("Dense", units=3, activation=function("system", "os")),
        "the layer 'big' is of 'os.system', which is not Keras's own",
    ),
    "builtins.eval as an activation": (
        chain("Dense", units=3, activation=function("eval", "builtins")),
        "cannot be loaded: Could not locate function 'eval'",
    ),
    "a download": (
        chain("Activation", activation=function("get_file", "keras.utils")),
        "the layer 'big' is of 'keras.utils.get_file', which is not Keras's own",
    ),
    "a download by another name": (
        chain("Activation", activation=function("utils.get_file", "keras")),
        "is of 'keras.utils.get_file', which is not Keras's own",
    ),
    "safe mode switched off": (
        chain("Activation", activation=function("enable_unsafe_deserialization", "keras.config")),
        "which is not Keras's own",
    ),
    "a program from elsewhere": (
        chain("TFSMLayer", filepath="/tmp/evil", call_endpoint="serve"),
        "the layer 'big' is a TFSMLayer, a program that is not in the file",
    ),
    "a pickle": (chain("TorchModuleWrapper", module="gASV"), "is a TorchModuleWrapper, a program"),
    "another file": (chain("StringLookup", vocabulary="/etc/passwd"), "would read the file '/etc/passwd'"),
    "a lambda": (chain("Lambda", function=code()), "the layer 'big' is a lambda"),
    "a lambda as an activation": (chain("Dense", units=3, activation=code()), "the layer 'big' is a lambda"),
    "a lambda in a wrapper": (
        chain("TimeDistributed", layer=layer("Lambda", "inner", None, function=code())),
        "the layer 'inner' is a lambda",
    ),
    "a lambda in a nested model": (
        saved(model(photo(), {**model(photo(), layer("Lambda", "in", "photo", function=code())), "name": "n",
                              "inbound_nodes": layer("x", "n", "photo")["inbound_nodes"]})),
        "the layer 'in' is a lambda",
    ),
    "a lambda by an older name": (
        saved(model(photo(), layer("Lambda", "old", "photo", "keras.src.layers.core.lambda_layer", function=code()))),
        "the layer 'old' is a lambda",
    ),
    "strings of a gigabyte": (
        chain("Rescaling", scale={"class_name": "__numpy__", "config": {"value": ["a"] * 100, "dtype": "S1000000000"}}),
        "the layer 'big' holds an array of 'S1000000000'",
    ),
    "layers that wait for each other": (
        saved(model(photo(), layer("Flatten", "a", "b"), layer("Flatten", "b", "a"))),
        "the layers 'a' and 'b' wait for each other",
    ),
    "layers in the wrong order": (
        saved(model(photo(), *(layer("Flatten", f"l{i}", f"l{i + 1}") for i in range(3000)),
                    layer("Flatten", "l3000", "photo"))),
        "wait for each other",
    ),
    "many layers": (
        saved(model(photo(), *(layer("Flatten", f"l{i}", "photo") for i in range(11_000)))),
        "has more than 10,000 layers",
    ),
    "a call that computes": (
        saved(model(photo(), {**layer("UpSampling1D", "up", "photo", size=10**9), "inbound_nodes": [
            {"args": [{"class_name": "__tensor__", "config": {"value": [[[1.0]]], "dtype": "float32"}}],
             "kwargs": {}}]})),
        "the layer 'up' is called on no other layer",
    ),
    "a layer as the model": (saved(layer("Dense", "dense", None, units=3)), "a Keras model is needed, got Dense"),
    "an unknown layer": (chain("Dens", units=3), "cannot be loaded: Could not"),
    "half a layer": (chain("Conv2D"), "cannot be loaded"),
    "a negative size": (chain("Dense", units=-3), "cannot be loaded"),
}  # fmt: skip
"""Files that are refused, and what is said of each."""

ANALYSED: dict[str, Make] = {
    "a trillion units": chain("Dense", units=HUGE),
    "a trillion units, then again": saved(
        model(photo(), layer("Dense", "a", "photo", units=HUGE), layer("Dense", "b", "a", units=HUGE))
    ),
    "a trillion words": chain("Embedding", input_dim=HUGE, output_dim=HUGE),
    "a kernel as large as a continent": chain("Conv2D", filters=HUGE, kernel_size=[10**6, 10**6], padding="same"),
    "statistics of a large input": saved(
        model(photo(10**6, 10**6), layer("Normalization", "norm", "photo", axis=[1, 2], mean=0.0, variance=1.0))
    ),
    "a large input": saved(model(photo(10**9, 10**9, 3), layer("Conv2D", "conv", "photo", filters=3, kernel_size=3))),
    "a margin": chain("ZeroPadding2D", padding=[[10**9, 10**9], [10**9, 10**9]]),
    "a stride": chain("Conv2D", filters=3, kernel_size=3, strides=10**9, padding="same"),
    "a window": chain("MaxPooling2D", pool_size=10**9, padding="same"),
    "a distance": chain("Conv2D", filters=3, kernel_size=3, dilation_rate=10**9, padding="same"),
    "an enlargement": chain("UpSampling2D", size=10**9),
    "a smooth enlargement": chain("UpSampling2D", size=10**9, interpolation="bilinear"),
    "a transposed convolution": chain("Conv2DTranspose", filters=3, kernel_size=3, strides=10**9, padding="same"),
    "a transposed kernel": chain("Conv2DTranspose", filters=3, kernel_size=10**9, strides=2, padding="same"),
    "a size": chain("Resizing", height=10**9 + 7, width=10**9 + 9),
    "enlargements, one after another": saved(
        model(
            photo(),
            *(layer("UpSampling2D", f"up{i}", f"up{i - 1}" if i else "photo", size=1009 + 2 * i) for i in range(4)),
            layer("Conv2D", "conv", "up3", filters=3, kernel_size=3, padding="same"),
        )
    ),
    "a window over an enlargement": saved(
        model(
            photo(),
            layer("UpSampling2D", "up", "photo", size=2),
            layer("MaxPooling2D", "pool", "up", pool_size=10**9, padding="same"),
        )
    ),
    "as many objects as fit": saved({**model(photo()), "build_config": {"x": [{} for _ in range(2_000_000)]}}),
    "time": saved(model(photo(10**9, 3), layer("LSTM", "lstm", "photo", units=10**6))),
    "heads": saved(
        model(
            photo(7, 8),
            {**layer("MultiHeadAttention", "heads", "photo", num_heads=10**6, key_dim=10**6),
             "inbound_nodes": [{"args": layer("x", "x", "photo")["inbound_nodes"][0]["args"] * 2, "kwargs": {}}]},
        )
    ),
}  # fmt: skip
"""Files that describe what no machine could hold: analysed without being built, or refused; never run."""
