"""Small image files made on the spot."""

from __future__ import annotations

import base64
import struct
from functools import cache
from pathlib import Path

import numpy as np

from archlab.bridge import load_keras
from archlab.data._shapes import png

# 6 × 4 pixels, red above blue, which neither TensorFlow nor a few lines here can write; the GIF has a second picture.
CMYK_JPEG = base64.b64decode(
    "/9j/7gAOQWRvYmUAZAAAAAAA/9sAQwANCQoLCggNCwoLDg4NDxMgFRMSEhMnHB4XIC4pMTAuKS0sMzpKPjM2RjcsLUBXQUZMTlJTUjI+WmFa"
    "UGBKUVJP/8AAFAgABAAGBEMRAE0RAFkRAEsRAP/EABUAAQEAAAAAAAAAAAAAAAAAAAYH/8QAGhAAAQUBAAAAAAAAAAAAAAAAAAMGF1Wk0v/a"
    "AA4EQwBNAFkASwAAPwAvILrtc6XJMBPHzUqtCvRTj//Z"
)
GIF = base64.b64decode(
    "R0lGODdhBgAEAIEAAP8AAAAA/wAAAAAAACwAAAAABgAEAAAIDgABCBxIUGCAgwgTHgwIACH5BAEAAAIALAAAAAAGAAQAgf//AAD//wAAAAAAAAgO"
    "AAMIHEhQIICDCBMeDAgAOw=="
)
FLAG = np.repeat(np.array([[[255, 0, 0]], [[255, 0, 0]], [[0, 0, 255]], [[0, 0, 255]]], np.uint8), 6, axis=1)


@cache
def pixels(seed: int, height: int = 20, width: int = 30, channels: int = 3) -> np.ndarray:
    """Something smooth that differs from seed to seed."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[0:height, 0:width] / max(height, width)
    waves = [np.sin(rng.uniform(1, 6) * x + rng.uniform(1, 6) * y + rng.uniform(0, 6)) for _ in range(channels)]
    return np.round(127.5 + 120 * np.stack(waves, -1)).astype(np.uint8)


@cache
def jpeg(seed: int, height: int = 20, width: int = 30, channels: int = 3) -> bytes:
    """An image."""
    tf, _ = load_keras()
    return tf.io.encode_jpeg(pixels(seed, height, width, channels)).numpy()


def bmp(picture: np.ndarray, palette: bytes = b"") -> bytes:
    """An uncompressed BMP of 8, 24 or 32 bits a pixel."""
    height, width, channels = picture.shape
    rows = picture[::-1] if channels == 1 else picture[::-1][..., [2, 1, 0, 3][:channels]]
    data = b"".join(row.tobytes().ljust(-(-width * channels // 4) * 4, b"\0") for row in rows)
    start = 54 + len(palette)
    header = b"BM" + struct.pack("<IHHI", start + len(data), 0, 0, start)
    about = struct.pack("<IiiHHIIiiII", 40, width, height, 1, 8 * channels, 0, len(data), 0, 0, len(palette) // 4, 0)
    return header + about + palette + data


def write(root: Path, **files: bytes) -> Path:
    """Files below a folder, `train__cats__0` for `train/cats/0.jpg`."""
    for name, content in files.items():
        put(root / f"{name.replace('__', '/')}.jpg", content)
    return root


def put(path: Path, content: bytes) -> Path:
    """A file, and the folders it needs."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def folder(root: Path, train: int = 4, validation: int = 2, test: int = 2) -> Path:
    """A data set of so many images of each class in each split, all different."""
    seed = 0
    for split, count in (("train", train), ("validation", validation), ("test", test)):
        for animal in ("cat", "dog"):
            for number in range(count):
                seed += 1
                put(root / split / f"{animal}s" / f"{animal}.{number}.jpg", jpeg(seed))
    return root


__all__ = ["CMYK_JPEG", "FLAG", "GIF", "bmp", "folder", "jpeg", "pixels", "png", "put", "write"]
