"""Write the computations of a page, each with its program, in the form that params name."""

from itertools import groupby
from typing import Literal

from mathcode_pile.core.documents import snippet_id
from mathcode_pile.core.errors import InputError
from stages.corpus.layout import find_layout
from stages.corpus.page_form import write_page
from stages.corpus.programs import Paragraph, Snippet, Translated, choose_programs, place_of
from stages.corpus.steps_form import write_steps

Form = Literal["page", "steps"]
FORMS = {"page": write_page, "steps": write_steps}


def translate_page(text: str, snippets: list[Snippet], form: Form, context: int) -> list[Translated]:
    """Return the documents of a page in the given form; most pages make one.

    context: how many characters of the page are kept at most around a program, or before a step.
    Raises InputError where a snippet's anchor is not in the text.
    """
    for snippet in snippets:
        if not 0 <= snippet["anchor"] <= len(text):
            name = snippet_id(snippet["document_id"], snippet["position"])
            raise InputError(f"snippet {name}: anchor {snippet['anchor']}: its page has {len(text)} characters")
    layout = find_layout(text)
    by_block = groupby(sorted(snippets, key=place_of), key=lambda snippet: layout.block_at(snippet["anchor"]))
    paragraphs = [Paragraph(block, choose_programs(group)) for block, group in by_block]
    return list(FORMS[form](layout, paragraphs, context))
