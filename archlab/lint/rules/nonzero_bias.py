"""Biases do not begin at zero.

**Taste.** A small positive bias was once advised so that ReLUs begin active; with He's initialization it makes little
difference. Off by default.
"""

from collections.abc import Iterable

from archlab.lint._context import Context, listed
from archlab.lint._rule import Found, Rule


def check(context: Context) -> Iterable[Found]:
    """Layers of a Keras model whose bias begins with other values."""
    found: list[str] = []
    for node in context.nodes:
        told = node.settings.config if node.settings is not None else {}
        bias = told.get("bias_initializer")
        if told.get("use_bias", True) and isinstance(bias, dict) and bias.get("class_name") not in ("Zeros", None):
            found.append(node.name)
    if found:
        yield Found(f"{listed(found)}: biases that do not begin at zero.", tuple(found), "", len(found))


RULE = Rule("T609", "nonzero-bias", "info", check, __doc__, "NeuraLint, rule on biases", on=False)
