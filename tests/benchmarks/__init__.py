"""Benchmarks, run by hand: `python -m tests.benchmarks.startup`. Each prints ratios against a peer, within one run."""
