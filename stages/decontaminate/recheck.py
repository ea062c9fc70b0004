"""Check slowly, without the compiled search, whether the overlap of a leak really exists."""

import html
import re
import unicodedata

from stages.decontaminate.canonical_kernel import DRESS

_DRESS = re.compile(r"\\+(?:(?:begin|end)\{[^}]{0,22}\}?|(?:" + "|".join(DRESS) + r")(?![A-Za-z]))", re.IGNORECASE)


def reduce_words(text: str) -> list[str]:
    """Return a text's words in lower case: letters and digits without accents."""
    text = _DRESS.sub(" ", re.sub(r"\\+[dt]frac(?![A-Za-z])", r"\\frac", text))
    text = html.unescape(html.unescape(text))
    text = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", text).casefold())
    text = "".join(c for c in text if unicodedata.category(c) not in ("Mn", "Me", "Cf"))
    text = re.sub(r"(?<=\w)['’ʼ‘](?=\w)", "", text)
    return ["".join(filter(str.isalnum, word)) for word in re.findall(r"[^\W_]+", text)]


def shared_share(benchmark_text: str, document_text: str, ngram: int) -> tuple[float, float]:
    """Return the share of a text's n-grams that a document contains, and that of its words in the longest piece."""
    words, document = reduce_words(benchmark_text), "".join(reduce_words(document_text))
    if not words:
        return 0.0, 0.0
    runs = {"".join(words[i : i + ngram]) for i in range(len(words) - ngram + 1)}
    share = sum(run in document for run in runs) / len(runs) if runs else 0.0
    longest = start = 0
    for end in range(1, len(words) + 1):
        while "".join(words[start:end]) not in document:
            start += 1
        longest = max(longest, end - start)
    return share, longest / len(words)
