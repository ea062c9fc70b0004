"""Why a record of a source cannot become a document."""

from mathcode_pile.core.funnel import DropReason


class Reason(DropReason):
    """Why a record of a source cannot become a document."""

    NO_TEXT = "no_text", "The record has no text, or its text column holds something else."
    NUL_CHARACTER = "nul_character", "The text contains a NUL character: it is probably binary data."
    TOO_LARGE = "too_large", "The record is larger than 256 MB."
    INVALID_UTF8 = "invalid_utf8", "The text, id or address of the record is not valid UTF-8."
    NOT_JSON = "not_json", "The line is not a JSON object."
    WRONG_COLUMN_COUNT = "wrong_column_count", "The CSV row has more or fewer values than the header has columns."
    UNREADABLE_VALUE = "unreadable_value", "A column holds a value outside Python's range, for example a date."
    UNREADABLE_METADATA = "unreadable_metadata", "The metadata of the record is nested more than 50 levels deep."
    UNREADABLE_FRONT_MATTER = (
        "unreadable_front_matter",
        "The front matter of the Markdown file is not valid YAML, has aliases, or is nested more than 50 levels deep.",
    )
    UNREADABLE = "unreadable", "The file of an installed package cannot be read or parsed."
    NOT_HTML = "not_html", "The record of a WARC file is an error of the server, a redirect, or no HTML."
    WRONG_ENCODING = "wrong_encoding", "The page is damaged in every encoding that it may have."
    NO_MAIN_TEXT = "no_main_text", "The page has no text apart from menus, notices and the like."
    PAGE_TOO_LARGE = "page_too_large", "The page is larger than 10 MB."
    PAGE_TOO_COMPLEX = (
        "page_too_complex",
        "The page has thousands of attributes in a tag, or of elements in each other.",
    )
