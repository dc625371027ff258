"""The arithmetic that rules for signals are made of: tables of mean products by distance, and what is done to them.

A `Table` holds the mean product of two positions at the lags 0, 1, 2, 4, 8 …; `lags` and `lag_count` say which,
`at` reads between them, `plus`, `times` and `products` combine them, `average` takes their mean over a map, and
`pair_weights` says how many pairs of positions stand at each. `variance` is how strong an initializer's weights are,
`upper` the share of a standard normal above a number.
"""

from archlab.signals._draw import fans as fans
from archlab.signals._draw import variance as variance
from archlab.signals._edges import Profile as Profile
from archlab.signals._edges import mixed as mixed
from archlab.signals._gaussian import all_below as all_below
from archlab.signals._gaussian import kinked as kinked
from archlab.signals._gaussian import smooth as smooth
from archlab.signals._gaussian import upper as upper
from archlab.signals._lags import Table as Table
from archlab.signals._lags import at as at
from archlab.signals._lags import average as average
from archlab.signals._lags import lag_count as lag_count
from archlab.signals._lags import lags as lags
from archlab.signals._lags import pair_weights as pair_weights
from archlab.signals._lags import plus as plus
from archlab.signals._lags import products as products
from archlab.signals._lags import times as times
from archlab.signals._scatter import added_scatter as added_scatter
from archlab.signals._types import Errors as Errors
from archlab.signals._types import Joined as Joined
from archlab.signals._types import Squares as Squares
from archlab.signals._types import handed_back as handed_back
