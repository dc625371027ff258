"""Photos to train on: a folder of class folders, or drawings from a seed, decoded once."""

from archlab.training.data._decode import decode_photo as decode_photo
from archlab.training.data._fetch import ARCHIVES as ARCHIVES
from archlab.training.data._fetch import Archive as Archive
from archlab.training.data._fetch import fetch as fetch
from archlab.training.data._open import open_photos as open_photos
from archlab.training.data._photos import PhotoSet as PhotoSet
from archlab.training.data._photos import Skipped as Skipped
from archlab.training.data._photos import Split as Split
from archlab.training.data._shapes import draw_shapes as draw_shapes
from archlab.training.data._shapes import is_shapes as is_shapes
from archlab.training.data._survey import Group as Group
from archlab.training.data._survey import Pixels as Pixels
from archlab.training.data._survey import Survey as Survey
from archlab.training.data._survey import survey as survey
