"""What an architecture costs, its receptive field and whether it will train.

`static` reads the graph alone, `measured` builds the Keras model and runs it; the results of both are plain data.
"""

from archlab.analysis._analysis import Analysis as Analysis
from archlab.analysis._analysis import analyze as analyze
from archlab.analysis._correlation import GradientCorrelation as GradientCorrelation
from archlab.analysis._field import EffectiveReceptiveField as EffectiveReceptiveField
from archlab.analysis._flow import GradientFlow as GradientFlow
from archlab.analysis._layers import Layer as Layer
from archlab.analysis._layers import Layers as Layers
from archlab.analysis._path_gradients import PathGradients as PathGradients
from archlab.analysis._result import Result as Result
from archlab.analysis._state import State as State
from archlab.analysis._state import Value as Value
from archlab.analysis._sweep import Sweep as Sweep
from archlab.analysis._sweep import sweep as sweep
from archlab.analysis._trend import LIMIT as LIMIT
from archlab.analysis._trend import Trend as Trend
from archlab.analysis._trend import trend as trend
from archlab.analysis.quantities import QUANTITIES as QUANTITIES
from archlab.analysis.quantities import Quantity as Quantity
from archlab.analysis.recorded import GradientRun as GradientRun
from archlab.analysis.recorded import read_run as read_run
from archlab.analysis.static import PathLengths as PathLengths
from archlab.analysis.static.explanation import Explanation as Explanation
from archlab.analysis.static.explanation import Term as Term
from archlab.analysis.static.explanation import explain as explain
from archlab.analysis.static.signal import PredictedFlow as PredictedFlow
from archlab.analysis.trainability import Cause as Cause
from archlab.analysis.trainability import Forecast as Forecast
from archlab.analysis.trainability import OptimizerForecast as OptimizerForecast
from archlab.analysis.trainability import forecast as forecast
