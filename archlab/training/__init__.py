"""Training: recipes, runs that can be resumed, evaluation and prediction."""

from archlab.training._evaluate import Evaluation as Evaluation
from archlab.training._evaluate import Prediction as Prediction
from archlab.training._evaluate import evaluate as evaluate
from archlab.training._evaluate import predict as predict
from archlab.training._fit import resume as resume
from archlab.training._fit import train as train
from archlab.training._learning import Learning as Learning
from archlab.training._learning import common_target as common_target
from archlab.training._learning import learning as learning
from archlab.training._record import EpochRecord as EpochRecord
from archlab.training._record import RunRecord as RunRecord
from archlab.training._run import Run as Run
from archlab.training._run import Summary as Summary
from archlab.training._run import open_run as open_run
from archlab.training.recipes import Recipe as Recipe
from archlab.training.recipes import recipe as recipe
