"""The door to ONNX is tested where ONNX is installed; elsewhere these tests are skipped, and say so."""

from __future__ import annotations

import importlib.util

collect_ignore_glob = [] if importlib.util.find_spec("onnx") else ["test_*.py", "files.py"]
