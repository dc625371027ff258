"""The door to Keras, and the only one: everything on this side of it runs without TensorFlow."""

from archlab.bridge._from_config import from_config as from_config
from archlab.bridge._from_keras import from_keras as from_keras
from archlab.bridge._from_keras import live as live
from archlab.bridge._rules import initializer_config as initializer_config
from archlab.bridge._rules import initializer_name as initializer_name
from archlab.bridge._rules import keras_rule as keras_rule
from archlab.bridge._runnable import Runnable as Runnable
from archlab.bridge._runtime import load_keras as load_keras
from archlab.bridge._to_keras import build as build
from archlab.bridge._to_keras import keras_name as keras_name
from archlab.bridge._to_keras import to_keras as to_keras
