"""What is worth a second look in an architecture, and the verdict on its gradients in sentences."""

from archlab.lint._findings import SEVERITIES as SEVERITIES
from archlab.lint._findings import STRUCTURE_RULES as STRUCTURE_RULES
from archlab.lint._findings import Finding as Finding
from archlab.lint._findings import findings as findings
from archlab.lint._findings import structure_findings as structure_findings
from archlab.lint._verdict import odd_layers as odd_layers
from archlab.lint._verdict import verdict_sentence as verdict_sentence
