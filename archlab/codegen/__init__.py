"""An architecture as the Keras code that a person would have written: one statement a layer, loops where it repeats."""

from archlab.codegen._python import to_python as to_python
