"""What an architecture costs, how far it sees and whether it will train."""

from archlab.analysis._flow import BlockFlow as BlockFlow
from archlab.analysis._flow import GradientFlow as GradientFlow
from archlab.analysis._flow import LayerFlow as LayerFlow
from archlab.analysis._flow import WeightFlow as WeightFlow
from archlab.analysis._run import GradientRun as GradientRun
from archlab.analysis._run import Record as Record
from archlab.analysis._run import is_run as is_run
from archlab.analysis._run import read_run as read_run
from archlab.analysis._trend import LIMIT as LIMIT
from archlab.analysis._trend import Trend as Trend
from archlab.analysis._trend import trend as trend
