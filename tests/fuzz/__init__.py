"""Hostile input of every kind, made at random; each in a child process that is watched.

`python -m tests.fuzz --minutes 10` runs all kinds in turn and prints each fault with the input that reproduces it: an
exception that is not archlab's own, more than one line of error, a control character in the output, an exit code that
is not documented, a call that takes longer than 10 s or more than 1 GB.
"""
