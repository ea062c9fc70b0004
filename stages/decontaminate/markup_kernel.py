"""Skip what is markup and no text: HTML tags, pictures, drawings as code, computations marked as in GSM8K."""

from mathcode_pile.kernels.compiled import compiled
from stages.decontaminate.latex_names import DRAWINGS

BANG, QUOTE, SLASH, EQUALS, LESS, GREATER, HYPHEN, COMMA, BLANK, TILDE = b"!'/=<>-, ~"
OPEN_BRACE, CLOSE_BRACE, OPEN_BRACKET, CLOSE_BRACKET, OPEN_PARENTHESIS, CLOSE_PARENTHESIS = b"{}[]()"
BACKSLASH, NEWLINE = b"\\\n"
ZERO, NINE, A, Z = b"09az"

# In bytes. Whatever is longer is no markup.
LONGEST_TAG = 1000
LONGEST_TAG_NAME = 12
LONGEST_COMPUTATION = 80  # <<48/2=24>>
LONGEST_PICTURE = 1000
LONGEST_DRAWING = 20_000
# Names of HTML tags that are a single letter; any other single letter between < and > is a variable.
SHORT_TAGS = tuple(b"abipqsu")
OPENINGS = tuple(b"{" + name.encode() + b"}" for name in DRAWINGS)
ADDRESS_ENDS = tuple(b"\"'<>()[]{}|\\")
ASY, END_ASY, END = b"[asy]", b"[/asy]", b"\\end"


@compiled
def starts_with(data, position, end, word):  # type: ignore[no-untyped-def]
    """Tell whether data[position:end] starts with the bytes of a word."""
    same = 0
    while same < len(word) and position + same < end and data[position + same] == word[same]:
        same += 1
    return same == len(word)


@compiled
def skip_to(data, position, end, word, longest):  # type: ignore[no-untyped-def]
    """Return the place after the next occurrence of a word within `longest` bytes, or `position` where it is not."""
    look = position
    while look < end and look < position + longest:
        if data[look] == word[0] and starts_with(data, look, end, word):
            return look + len(word)
        look += 1
    return position


@compiled
def skip_past(data, position, end, byte, longest):  # type: ignore[no-untyped-def]
    """Return the place after the next `byte` within `longest` bytes, or `position` where it is not."""
    look = position
    while look < end and look < position + longest:
        if data[look] == byte:
            return look + 1
        look += 1
    return position


@compiled
def skip_tag(data, position, end, byte_values):  # type: ignore[no-untyped-def]
    """Return the place after the HTML tag at `<`, or position + 1 if there is none."""
    after = position + 1
    if after < end and data[after] == LESS:
        close = after
        while close < end and close < after + LONGEST_COMPUTATION and data[close] not in (GREATER, NEWLINE):
            close += 1
        return close + 2 if starts_with(data, close, end, b">>") else after + 1
    if starts_with(data, after, end, b"!--"):
        close = skip_to(data, after, end, b"-->", LONGEST_TAG)
        return max(close, after)
    name = after + 1 if after < end and data[after] == SLASH else after
    look = name
    while look < end and look < name + LONGEST_TAG_NAME and byte_values[data[look]] >= ZERO:
        look += 1
    if look == name or not A <= byte_values[data[name]] <= Z or look >= end:
        return after
    if look == name + 1 and byte_values[data[name]] not in SHORT_TAGS:
        return after
    if data[look] in (GREATER, SLASH):
        return max(skip_past(data, look, end, GREATER, 2), after)
    if data[look] > BLANK:
        return after
    # `a <b and c> d` compares; a tag has attributes with values.
    attribute = look
    while attribute < end and data[attribute] <= BLANK:
        attribute += 1
    while attribute < end and (byte_values[data[attribute]] >= ZERO or data[attribute] == HYPHEN):
        attribute += 1
    if attribute < end and data[attribute] == EQUALS:
        return max(skip_past(data, attribute, end, GREATER, LONGEST_TAG), after)
    if starts_with(data, look, end, b" />"):
        return look + 3
    return after


@compiled
def skip_picture(data, position, end):  # type: ignore[no-untyped-def]
    """Return the place after the Markdown picture at `!`, or position + 1 if there is none."""
    if not starts_with(data, position, end, b"!["):
        return position + 1
    close = skip_to(data, position, end, b"](", LONGEST_PICTURE)
    if close == position:
        return position + 1
    return max(skip_past(data, close, end, CLOSE_PARENTHESIS, LONGEST_PICTURE), position + 1)


@compiled
def skip_address(data, position, end):  # type: ignore[no-untyped-def]
    """Return the place after the rest of the address on the web at `:`, or position + 1 if there is none."""
    if not starts_with(data, position, end, b"://"):
        return position + 1
    while position < end and data[position] > BLANK and data[position] not in ADDRESS_ENDS:
        position += 1
    return position


@compiled
def skip_bracket(data, position, end):  # type: ignore[no-untyped-def]
    """Return the place after the drawing at `[asy]`, or position + 1 if there is none."""
    if not starts_with(data, position, end, ASY):
        return position + 1
    return max(skip_to(data, position, end, END_ASY, LONGEST_DRAWING), position + 1)


@compiled
def skip_environment(data, position, end):  # type: ignore[no-untyped-def]
    r"""Return the place after the drawing whose name follows `\begin`, or position if there is none."""
    for opening in OPENINGS:
        if starts_with(data, position, end, opening):
            close = position
            while True:
                after = skip_to(data, close, end, END, LONGEST_DRAWING)
                if after == close:
                    return position
                if starts_with(data, after, end, opening):
                    return after + len(opening)
                close = after
    return position


@compiled
def skip_arguments(data, position, end):  # type: ignore[no-untyped-def]
    """Return the place after a command's arguments, one in brackets (if it is there) and one in braces."""
    if position < end and data[position] == OPEN_BRACKET:
        position = skip_past(data, position, end, CLOSE_BRACKET, LONGEST_PICTURE)
    if position < end and data[position] == OPEN_BRACE:
        position = skip_past(data, position, end, CLOSE_BRACE, LONGEST_PICTURE)
    return position


@compiled
def skip_thousands_separator(data, position, end, byte_values):  # type: ignore[no-untyped-def]
    r"""Return where the next three digits of a number begin, after `,`, `{,}`, `,\!`, `\,`, `~` or a blank."""
    look = position
    while look < end and look < position + 4 and data[look] in (COMMA, OPEN_BRACE, CLOSE_BRACE, BACKSLASH, BANG):
        look += 1
    if look == position and look < end and data[look] in (BLANK, TILDE):
        look += 1
    if look == position or look + 3 > end:
        return position
    for digit in range(look, look + 3):
        if not ZERO <= byte_values[data[digit]] <= NINE:
            return position
    if look + 3 < end and ZERO <= byte_values[data[look + 3]] <= NINE:
        return position
    return look
