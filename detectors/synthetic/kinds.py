"""Kinds of image that are measured and judged apart: a rate over all images hides who pays for it."""

from types import MappingProxyType

KINDS = MappingProxyType(
    {
        "headshot": "headshots",
        "portrait": "portraits",
        "photograph": "photographs",
        "stock": "polished stock photographs",
        "product": "product photographs",
        "night": "night photographs",
        "painting": "paintings",
        "illustration": "illustrations",
        "render": "renders",
        "document": "documents, screenshots and charts",
    }
)
"""Each kind's name in reports, and its plural for people."""

PHOTOGRAPHIC = frozenset({"headshot", "portrait", "photograph", "stock", "product", "night"})
GRAPHIC = frozenset({"illustration", "render", "document"})
"""Kinds in which flat colour is usual and was measured."""
