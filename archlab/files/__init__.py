"""Files and folders: written whole or not at all, records read back, locked while in use, unpacked only within bounds.

`archlab.files.archive`, the guard of zip archives, is loaded where one is opened.
"""

from archlab.files._cache import cache_folder as cache_folder
from archlab.files._folder import check_new as check_new
from archlab.files._folder import new_folder as new_folder
from archlab.files._lock import exclusive as exclusive
from archlab.files._lock import locked as locked
from archlab.files._read import check_regular as check_regular
from archlab.files._read import read_bytes as read_bytes
from archlab.files._read import read_text as read_text
from archlab.files._reason import is_file as is_file
from archlab.files._reason import is_folder as is_folder
from archlab.files._reason import reason_of as reason_of
from archlab.files._records import INLINE as INLINE
from archlab.files._records import KEY as KEY
from archlab.files._records import Exact as Exact
from archlab.files._records import keyed as keyed
from archlab.files._records import parse_json as parse_json
from archlab.files._records import read_json as read_json
from archlab.files._records import read_lines as read_lines
from archlab.files._records import read_record as read_record
from archlab.files._write import append_line as append_line
from archlab.files._write import move_whole as move_whole
from archlab.files._write import remove_unfinished as remove_unfinished
from archlab.files._write import replacing as replacing
from archlab.files._write import write_bytes as write_bytes
from archlab.files._write import write_json as write_json
from archlab.files._write import write_lines as write_lines
from archlab.files._write import write_text as write_text
from archlab.files._write import write_whole as write_whole
from archlab.files._write import writing as writing
