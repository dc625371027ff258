"""An architecture as text that is no program: its YAML form, and the JSON schema of that form."""

from archlab.notation._read import LARGEST as LARGEST
from archlab.notation._read import from_yaml as from_yaml
from archlab.notation._read import read_document as read_document
from archlab.notation._schema import json_schema as json_schema
from archlab.notation._write import write_yaml as write_yaml
