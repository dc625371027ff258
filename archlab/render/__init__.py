"""Pictures: graphs and architectures → plain data → DOT, SVG, PNG, PDF, Mermaid. Colours and places live here only."""

from archlab.render._drawing import Drawing as Drawing
from archlab.render._picture import Box as Box
from archlab.render._picture import Cluster as Cluster
from archlab.render._picture import Edge as Edge
from archlab.render._picture import Picture as Picture
