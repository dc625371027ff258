"""Pictures: graphs and architectures → plain data → DOT, SVG, PNG, PDF, Mermaid. Colours and places live here only."""

from archlab.rendering._colouring import colors as colors
from archlab.rendering._columns import DIRECTIONS as DIRECTIONS
from archlab.rendering._columns import Direction as Direction
from archlab.rendering._draw import check_drawing as check_drawing
from archlab.rendering._draw import draw as draw
from archlab.rendering._drawing import Drawing as Drawing
from archlab.rendering._drawing import GraphDrawing as GraphDrawing
from archlab.rendering._field_view import field_view as field_view
from archlab.rendering._graph import LEVELS as LEVELS
from archlab.rendering._graph import Level as Level
from archlab.rendering._layout import Engine as Engine
from archlab.rendering._photo import embedded_photo as embedded_photo
from archlab.rendering._picture import Box as Box
from archlab.rendering._picture import Cluster as Cluster
from archlab.rendering._picture import Edge as Edge
from archlab.rendering._picture import Picture as Picture
from archlab.rendering._pyramid import pyramid as pyramid
from archlab.rendering._render import VIEWS as VIEWS
from archlab.rendering._render import render as render
