"""The rules, one a file. A file's docstring is its page of the documentation; see `docs/how-to/lint.md`.

To add a rule: a file here with `RULE = Rule(…)`, and its examples in `tests/lint/examples.py`.
"""
