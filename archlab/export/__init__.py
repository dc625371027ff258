"""An architecture as something that another tool takes: a Keras model, Keras code, YAML."""

from archlab.export._keras import to_keras as to_keras
from archlab.export._python import to_python as to_python
from archlab.export._yaml import to_yaml as to_yaml
