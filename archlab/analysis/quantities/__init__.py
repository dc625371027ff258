"""The quantities of an architecture: each described once, with its label, unit, source, state and explanation.

A number travels with its state (`Value`) until it is printed. To add a quantity, add it to `QUANTITIES` in one of the
files here: every table, format and option has it then.
"""

# The order in which they are shown.
# isort: off
from archlab.analysis.quantities import _structure as _structure
from archlab.analysis.quantities import _parameters as _parameters
from archlab.analysis.quantities import _compute as _compute
from archlab.analysis.quantities import _memory as _memory
from archlab.analysis.quantities import _receptive_field as _receptive_field
from archlab.analysis.quantities import _gradients as _gradients
from archlab.analysis.quantities import _forecast as _forecast
from archlab.analysis.quantities import _gaps as _gaps
from archlab.analysis.quantities import _cost as _cost

# isort: on
from archlab.analysis.quantities._quantity import EVERYWHERE as EVERYWHERE
from archlab.analysis.quantities._quantity import QUANTITIES as QUANTITIES
from archlab.analysis.quantities._quantity import Counted as Counted
from archlab.analysis.quantities._quantity import Place as Place
from archlab.analysis.quantities._quantity import Quantity as Quantity
from archlab.analysis.quantities._quantity import Registry as Registry
from archlab.analysis.quantities._quantity import Subject as Subject
