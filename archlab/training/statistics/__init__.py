"""What accuracies allow one to say: intervals over seeds and photos, paired comparisons, and the sentence for each.

Nothing here needs TensorFlow. `accuracy` and `compare_runs` take the runs of an architecture, as `read_predictions`
reads them or as truth values of (seeds, photos); `compare_accuracies` takes two published figures; `further_run` asks
whether a published figure is one that a further run would give. Results are frozen, `str` of one is its sentence.
"""

from archlab.training.statistics._accuracy import Accuracy as Accuracy
from archlab.training.statistics._accuracy import accuracy as accuracy
from archlab.training.statistics._difference import Difference as Difference
from archlab.training.statistics._difference import compare_accuracies as compare_accuracies
from archlab.training.statistics._further import FurtherRun as FurtherRun
from archlab.training.statistics._further import further_run as further_run
from archlab.training.statistics._interval import Interval as Interval
from archlab.training.statistics._interval import mean_over_seeds as mean_over_seeds
from archlab.training.statistics._interval import newcombe as newcombe
from archlab.training.statistics._interval import newcombe_paired as newcombe_paired
from archlab.training.statistics._interval import wilson as wilson
from archlab.training.statistics._paired import compare_runs as compare_runs
from archlab.training.statistics._paired import mcnemar as mcnemar
from archlab.training.statistics._power import Needed as Needed
from archlab.training.statistics._predictions import Predictions as Predictions
from archlab.training.statistics._predictions import read_predictions as read_predictions
