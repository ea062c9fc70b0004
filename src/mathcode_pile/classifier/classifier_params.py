"""What params say of one classifier: train_classifier and classify both read it."""

from pydantic import Field

from mathcode_pile.core.params import Section


class ClassifierParams(Section):
    """One classifier: what it learns from, what it scores, and how much of that it drops."""

    positives: str
    negatives: str
    input: str
    floor: float = Field(ge=0, le=1)
    """A document with a lower score is dropped."""
