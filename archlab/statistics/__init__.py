"""Inference on accuracies: intervals over seeds and images, paired comparisons, and a sentence for each.

Nothing here needs TensorFlow. `accuracy` and `compare_runs` take the runs of an architecture, either from
`read_predictions` or as booleans of shape (seeds, images). `compare_accuracies` takes two published accuracies.
`further_run` tests whether a published accuracy is consistent with one more run. Results are immutable; `str` of a
result is its sentence.
"""

from archlab.statistics._accuracy import Accuracy as Accuracy
from archlab.statistics._accuracy import accuracy as accuracy
from archlab.statistics._difference import Difference as Difference
from archlab.statistics._difference import compare_accuracies as compare_accuracies
from archlab.statistics._further import FurtherRun as FurtherRun
from archlab.statistics._further import further_run as further_run
from archlab.statistics._interval import Interval as Interval
from archlab.statistics._interval import mean_over_seeds as mean_over_seeds
from archlab.statistics._interval import newcombe as newcombe
from archlab.statistics._interval import newcombe_paired as newcombe_paired
from archlab.statistics._interval import wilson as wilson
from archlab.statistics._paired import compare_runs as compare_runs
from archlab.statistics._paired import mcnemar as mcnemar
from archlab.statistics._power import Needed as Needed
from archlab.statistics._predictions import Predictions as Predictions
from archlab.statistics._predictions import read_predictions as read_predictions
