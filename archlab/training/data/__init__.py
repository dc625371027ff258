"""Photos to train on: a folder of class folders, or drawings from a seed, decoded once."""

from archlab.training.data._decode import decode_photo as decode_photo
from archlab.training.data._open import open_photos as open_photos
from archlab.training.data._photos import PhotoSet as PhotoSet
from archlab.training.data._photos import Skipped as Skipped
from archlab.training.data._photos import Split as Split
