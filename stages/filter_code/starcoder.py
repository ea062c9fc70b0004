"""Take off the line of metadata with which about half of StarCoder's files begin.

Each of its three parts was written with a chance of 0.2: <reponame>owner/name<filename>a/b.py<gh_stars>10-100
(add_content_with_meta.py of bigcode-project/bigcode-dataset; Li et al. 2023, arXiv:2305.06161, section 5.1).
"""

import re
from typing import NamedTuple

_HEAD = re.compile(
    r"\ufeff?(?:<reponame>(?P<reponame>[^\n]*?))?(?:<filename>(?P<filename>[^\n]*?))?(?:<gh_stars>(?P<gh_stars>[^\n]*?))?"
    r"\s*?(?:\n|\Z)"
)


class File(NamedTuple):  # one file of StarCoder's data
    text: str
    metadata: dict[str, str]
    """reponame, filename and gh_stars (0, 1-10, 10-100, 100-1000, 1000+), as far as they were written."""


def split_head(content: str) -> File:
    """Return a file's own text, without a mark of byte order, and what the line before it says."""
    match = (
        _HEAD.match(content) if content[:13].lstrip("\ufeff").startswith(("<reponame>", "<filename>", "<gh_")) else None
    )
    if not match:
        return File(content.removeprefix("\ufeff"), {})
    return File(content[match.end() :], {name: value for name, value in match.groupdict().items() if value})
