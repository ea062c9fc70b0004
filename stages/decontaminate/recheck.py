"""Check slowly, without the compiled search, whether a document has the words of what it is said to leak."""

import difflib
import html
import re
import unicodedata

from stages.decontaminate.latex_names import DRAWINGS, name_greek, say_commands

_DRAWING = re.compile(r"\[asy\].*?\[/asy\]|\\begin\{(" + "|".join(DRAWINGS) + r")\}.*?\\end\{\1\}", re.DOTALL)
_PICTURE = re.compile(r"!\[[^\]]*\]\([^)]*\)|\\includegraphics(?:\[[^\]]*\])?\{[^}]*\}")
_TAG = re.compile(r"<<[^>\n]*>>|</?[A-Za-z][A-Za-z0-9]+/?>|</?[abipqsu]/?>|<[A-Za-z]\w*\s+[\w-]+=[^>]*>|<!--.*?-->")
_ENVIRONMENT = re.compile(r"\\+(?:begin|end)\{[^}]{0,22}\}?")
_COMMAND = re.compile(r"\\+([A-Za-z]+)")
_THOUSANDS = re.compile(r"(?<!\d)(\d{1,3})((?:(?:[\\{}!,]{1,4}|[ ~])\d{3}(?!\d))+)")


def _say(match: re.Match[str]) -> str:
    name, said = match[1].lower(), say_commands()
    if name not in said and match[1][0] in "nrt" and match[0].count("\\") == 1:
        return f" {match[1][1:]}"
    return f" {said.get(name, name)} "


def reduce_words(text: str) -> list[str]:
    """Return a text's words in lower case: runs of letters without accents, and runs of digits."""
    text = re.sub(r"\\+u([0-9a-fA-F]{4})", lambda match: chr(int(match[1], 16)), text)
    text = re.sub(r"""://[^\s"'<>()\[\]{}|\\]*""", " ", _TAG.sub(" ", _PICTURE.sub(" ", _DRAWING.sub(" ", text))))
    text = _THOUSANDS.sub(lambda match: match[1] + re.sub(r"\D", "", match[2]), text)
    text = _COMMAND.sub(_say, _ENVIRONMENT.sub(" ", text))
    text = html.unescape(html.unescape(text))
    text = "".join(
        f" {' '.join(unicodedata.normalize('NFKD', c))} " if unicodedata.category(c) == "No" else c for c in text
    )
    text = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", text).casefold())
    text = "".join(c for c in text if unicodedata.category(c) not in ("Mn", "Me", "Cf"))
    text = "".join(f" {name} " if (name := name_greek().get(c)) else c for c in text)
    text = re.sub(r"(?<=[^\W\d_])['’ʼ‘](?=[^\W\d_])", "", text)
    return re.findall(r"\d+|[^\W\d_]+", text)


def shared_share(benchmark_text: str, document_text: str) -> float:
    """Return the share of a text's words that a document, or a part of one, has in the same order."""
    words, document = reduce_words(benchmark_text), reduce_words(document_text)
    blocks = difflib.SequenceMatcher(None, words, document, autojunk=False).get_matching_blocks()
    return sum(block.size for block in blocks) / max(1, len(words))
