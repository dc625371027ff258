"""Remarks of the libraries that decode images, kept from the terminal."""

from __future__ import annotations

import contextlib
import os
import re
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager

# libjpeg and libpng print these themselves, past every log level of TensorFlow's: of files that decode all the same
# (stray bytes before the end are common), and of damaged ones, which are reported by name.
_REMARKS = re.compile(
    rb"^(Corrupt JPEG data|Premature end of|Inconsistent progression|Improper call to JPEG|Application transferred|"
    rb"Invalid (SOS|JPEG|component|crop|progressive|scan)|Unsupported (color|JPEG|marker)|Unknown Adobe|Bogus |"
    rb"(Quantization|Huffman|Arithmetic) (table|code)|Missing Huffman|Not a JPEG|JPEG (datastream|parameter)|Sorry, |"
    rb"(Empty|Input|Output) (JPEG|input|file)|Maximum supported|Sampling factors|Too many color|Insufficient memory|"
    rb"Warning: unknown JFIF|DCT |Component index|Fractional sampling|CCIR601|libpng (warning|error))[^\n]*(\n|$)",
    re.MULTILINE,
)
_ONE_AT_A_TIME = threading.RLock()


@contextmanager
def quiet_decoders() -> Iterator[None]:
    """Hold back what is written to standard error, and pass on all but the remarks of image decoders."""
    with _ONE_AT_A_TIME, contextlib.ExitStack() as stack:
        try:
            saved = os.dup(2)
        except OSError:  # standard error is closed: nothing to hold back
            yield
            return
        stack.callback(os.close, saved)
        held = stack.enter_context(tempfile.TemporaryFile())
        os.dup2(held.fileno(), 2)
        try:
            yield
        finally:
            os.dup2(saved, 2)
            held.seek(0)
            if text := _REMARKS.sub(b"", held.read()):
                os.write(2, text)
