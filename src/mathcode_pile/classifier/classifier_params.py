"""The params of one classifier, which both train_classifier and classify read."""

from pydantic import Field

from mathcode_pile.core.params import Section


class ClassifierParams(Section):
    """One classifier: what it learns from, what it scores, and which scores are dropped."""

    positives: str
    """The folder below data/ with documents of mathematics."""
    negatives: str
    """The folder below data/ with other documents."""
    negatives_share: float = Field(gt=0, le=1)
    """The share of the negative documents that may be used, chosen by a seeded hash of their ids."""
    input: str
    """The folder below data/ whose documents are scored."""
    floor: float = Field(ge=0, le=1)
    """A document with a lower score is dropped."""
