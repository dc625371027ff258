"""Ways over the whole map, which the receptive field leaves out.

**Why.** A gate (squeeze and excitation) or a normalization over the map scales every position by something taken over
all of them. Its receptive field is the image; that of the convolutions, which archlab reports, leaves it out.
"""

from collections.abc import Iterable

from archlab.lint._context import Context
from archlab.lint._rule import Found, Rule


def check(context: Context) -> Iterable[Found]:
    """Gates that the receptive field reports."""
    names = context.analysis.receptive_field.gates
    if names:
        message = (
            "the receptive field leaves out paths over the whole feature map (gates, normalization), the first at "
            f"{names[0]}; through them every later unit depends on the whole input."
        )
        yield Found(message, tuple(names))


RULE = Rule(
    "N701", "gate", "info", check, __doc__, "Hu et al. 2018, 'Squeeze-and-Excitation Networks'", reads_numbers=True
)
