"""Turn the bytes of a page into text."""

import codecs
import re

from resiliparse.parse.encoding import detect_encoding, map_encoding_to_html5

HEAD_BYTES = 4096
_META = re.compile(rb"<meta[^>]{0,200}?charset\s*=\s*[\"']?\s*([\w.:-]{2,40})", re.IGNORECASE)
_BOMS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
# C1 controls and the replacement character: signs of text that was decoded in the wrong way.
_DAMAGE = re.compile("[\x80-\x84\x86-\x9f\ufffd]")
MAX_DAMAGE = 0.001


def decode_page(content: bytes, charset: str = "") -> str | None:
    """Return the text of a page; None where no encoding gives one.

    charset: what the server said, if it did. UTF-8 is tried before it, because pages in UTF-8 that are declared as
    something else are common, and text in another encoding is hardly ever valid UTF-8.
    """
    for mark, name in _BOMS:
        if content.startswith(mark):
            return _decode(content, name)
    found = _META.search(content[:HEAD_BYTES])
    declared = [charset, found[1].decode("ascii") if found else ""]
    for name in ("utf-8", *filter(None, declared), detect_encoding(content) or ""):
        text = _decode(content, name)
        if text is not None and len(_DAMAGE.findall(text)) <= MAX_DAMAGE * len(text):
            return text
    return None


def _decode(content: bytes, name: str) -> str | None:
    try:
        return content.decode(map_encoding_to_html5(name, False) or name)
    except (UnicodeDecodeError, LookupError, ValueError):
        return None
