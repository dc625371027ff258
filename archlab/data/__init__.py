"""Training images: a folder of class folders, or the synthetic data set `shapes`. Each image is decoded once."""

from archlab.data._decode import decode_image as decode_image
from archlab.data._fetch import fetch as fetch
from archlab.data._image_set import ImageSet as ImageSet
from archlab.data._image_set import Skipped as Skipped
from archlab.data._image_set import Split as Split
from archlab.data._known import ARCHIVES as ARCHIVES
from archlab.data._known import Archive as Archive
from archlab.data._open import check_source as check_source
from archlab.data._open import open_images as open_images
from archlab.data._samples import Samples as Samples
from archlab.data._samples import read_samples as read_samples
from archlab.data._shapes import is_shapes as is_shapes
from archlab.data._shapes import write_shapes as write_shapes
from archlab.data._survey import Group as Group
from archlab.data._survey import Pixels as Pixels
from archlab.data._survey import Survey as Survey
from archlab.data._survey import survey as survey
