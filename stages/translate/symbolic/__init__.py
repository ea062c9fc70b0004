"""Translate the computations of a mathematical page into Python without a model."""

from stages.translate.symbolic.translator import Computation, translate_document

__all__ = ["Computation", "translate_document"]
