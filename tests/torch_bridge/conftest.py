"""The door to PyTorch is tested where PyTorch is installed; elsewhere these tests are skipped, and say so."""

from __future__ import annotations

import importlib.util

collect_ignore_glob = [] if importlib.util.find_spec("torch") else ["test_*.py"]
