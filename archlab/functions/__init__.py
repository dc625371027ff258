"""Functions of tensors that have the channels first, as operations of a graph that has them last.

The functions are PyTorch's, by name and by arguments; the doors to PyTorch and to ONNX hand their calls on to the rules
here. Neither framework is known here: of a tensor a rule asks its shape and its type.
"""

from archlab.functions._answer import answered as answered
from archlab.functions._answer import unknown as unknown
from archlab.functions._call import BeyondError as BeyondError
from archlab.functions._call import Call as Call
from archlab.functions._call import Constant as Constant
from archlab.functions._call import Made as Made
from archlab.functions._call import Standing as Standing
from archlab.functions._call import Start as Start
from archlab.functions._constants import PRODUCTS as PRODUCTS
from archlab.functions._constants import macs_of_constants as macs_of_constants
from archlab.functions._initial import initializer as initializer
from archlab.functions._layout import B as B
from archlab.functions._layout import C as C
from archlab.functions._layout import Role as Role
from archlab.functions._layout import Roles as Roles
from archlab.functions._layout import S as S
from archlab.functions._layout import graph_shape as graph_shape
from archlab.functions._layout import image as image
from archlab.functions._layout import sequence as sequence
from archlab.functions._weights import Parameter as Parameter
from archlab.functions._weights import weights_of as weights_of
from archlab.functions.rules import RULES as RULES
from archlab.functions.rules import entering as entering
