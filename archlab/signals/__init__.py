"""Moment propagation: how strong a signal is at every layer at initialization, forward and back.

The prediction of gradients carries a few moments of every feature map through the network instead of the map itself,
averaged over the draw of the weights (mean-field theory: Schoenholz et al. 2017, 'Deep Information Propagation';
Xiao et al. 2018, 'Dynamical Isometry and a Mean Field Theory of CNNs'; with batch normalization Yang et al. 2019).

A layer's rule is its method `signal(inputs, output)`:

- It receives one `Signal` for each input (mean, and mean products of two positions by their distance, within one
  image and between two) and the shape of its output, all sizes being known.
- It returns `Passed(output, back)`: the `Signal` of its output, and a function from the `ErrorSignal` at the output
  (the activation gradient's moments) to that at each input and, for each trainable weight, the expected squared norm
  of the weight gradient (None where that is not known).
- It returns None where it has no rule for what it received: the prediction is then unknown from there on.

Most rules are one call:

- a function of every element: `activated`, given a `Nonlinearity`; `scaled`; `silenced`; `unchanged`;
- a kernel of independent weights: `convolved`, given the `Kernel`, where it slides (`Sliding`, or `in_place`) and what
  stands `Behind` it;
- a normalization: `batch_normalized`, `layer_normalized`, `group_normalized`, given a `Normalizing`;
- pooling: `maximum`, `averaged`, `averaged_over_all`;
- paths that meet: `summed`, `multiplied`, `concatenated`;
- elements that move: `relocated`, `enlarged`, `flattened`, `reshaped`, `transposed`, `selected`,
  `stopped`.

A rule of another kind is written with the arithmetic of moments in `archlab.signals.moments`. Nothing here knows a
layer.
"""

from archlab.signals._activations import activated as activated
from archlab.signals._activations import rectified_with_slopes as rectified_with_slopes
from archlab.signals._arithmetic import dropped_to_floor as dropped_to_floor
from archlab.signals._arithmetic import noisy as noisy
from archlab.signals._arithmetic import rescaled as rescaled
from archlab.signals._arithmetic import scaled as scaled
from archlab.signals._arithmetic import scaled_by_weight as scaled_by_weight
from archlab.signals._arithmetic import silenced as silenced
from archlab.signals._arithmetic import with_noise as with_noise
from archlab.signals._convolution import Behind as Behind
from archlab.signals._convolution import Kernel as Kernel
from archlab.signals._convolution import convolved as convolved
from archlab.signals._convolution import convolved_separably as convolved_separably
from archlab.signals._convolution import in_place as in_place
from archlab.signals._draw import start as start
from archlab.signals._gaussian import Nonlinearity as Nonlinearity
from archlab.signals._gaussian import between as between
from archlab.signals._kernels import Sliding as Sliding
from archlab.signals._merging import concatenated as concatenated
from archlab.signals._merging import multiplied as multiplied
from archlab.signals._merging import summed as summed
from archlab.signals._normalization import Normalizing as Normalizing
from archlab.signals._normalization import batch_normalized as batch_normalized
from archlab.signals._normalization import group_normalized as group_normalized
from archlab.signals._normalization import layer_normalized as layer_normalized
from archlab.signals._pooling import averaged as averaged
from archlab.signals._pooling import averaged_over_all as averaged_over_all
from archlab.signals._types import ErrorSignal as ErrorSignal
from archlab.signals._types import Passed as Passed
from archlab.signals._types import Signal as Signal
from archlab.signals._windows import enlarged as enlarged
from archlab.signals._windows import flattened as flattened
from archlab.signals._windows import maximum as maximum
from archlab.signals._windows import relocated as relocated
from archlab.signals._windows import reshaped as reshaped
from archlab.signals._windows import selected as selected
from archlab.signals._windows import stopped as stopped
from archlab.signals._windows import transposed as transposed
from archlab.signals._windows import unchanged as unchanged
