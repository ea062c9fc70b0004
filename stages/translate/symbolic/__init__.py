"""Translate the computations of a mathematical page into Python without a model."""

from stages.translate.symbolic.translator import translate_document

__all__ = ["translate_document"]
