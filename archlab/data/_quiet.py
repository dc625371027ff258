"""Suppress the messages that image decoders write to standard error."""

from __future__ import annotations

import contextlib
import os
import re
import tempfile
import threading
from collections.abc import Generator
from contextlib import contextmanager

# libjpeg and libpng print these themselves, whatever TensorFlow's log level: for files that decode all the same
# (stray bytes before the end are common), and for damaged ones, which are reported by name.
_DECODER_MESSAGES = re.compile(
    rb"^(Corrupt JPEG data|Premature end of|Inconsistent progression|Improper call to JPEG|Application transferred|"
    rb"Invalid (SOS|JPEG|component|crop|progressive|scan)|Unsupported (color|JPEG|marker)|Unknown Adobe|Bogus |"
    rb"(Quantization|Huffman|Arithmetic) (table|code)|Missing Huffman|Not a JPEG|JPEG (datastream|parameter)|Sorry, |"
    rb"(Empty|Input|Output) (JPEG|input|file)|Maximum supported|Sampling factors|Too many color|Insufficient memory|"
    rb"Warning: unknown JFIF|DCT |Component index|Fractional sampling|CCIR601|libpng (warning|error))[^\n]*(\n|$)",
    re.MULTILINE,
)
_LOCK = threading.RLock()


@contextmanager
def quiet_decoders() -> Generator[None]:
    """Capture standard error, and pass on everything but the messages of image decoders."""
    with _LOCK, contextlib.ExitStack() as stack:
        try:
            saved = os.dup(2)
        except OSError:  # standard error is closed: nothing to capture
            yield
            return
        stack.callback(os.close, saved)
        captured = stack.enter_context(tempfile.TemporaryFile())
        os.dup2(captured.fileno(), 2)
        try:
            yield
        finally:
            os.dup2(saved, 2)
            captured.seek(0)
            if text := _DECODER_MESSAGES.sub(b"", captured.read()):
                os.write(2, text)
