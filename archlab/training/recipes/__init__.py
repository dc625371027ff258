"""Recipes: the hyperparameters of training, as data."""

from archlab.training.recipes._load import names as names
from archlab.training.recipes._load import recipe as recipe
from archlab.training.recipes._load import to_yaml as to_yaml
from archlab.training.recipes._recipe import Recipe as Recipe
