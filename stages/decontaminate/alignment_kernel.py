"""Align a question with a part of a document, word by word, and count what agrees.

Source: Smith and Waterman 1981 (local alignment), with the affine gaps of Gotoh 1982. A long gap costs hardly more
than a short one: a picture, a remark or other markup may be between two halves of a question.
"""

import numpy as np

from mathcode_pile.kernels.compiled import compiled
from stages.decontaminate.canonical_kernel import read_canonical
from stages.decontaminate.words_kernel import COMMON, CONTENT, NUMBER, STOP, read_number_words, read_words

# What a word weighs, by its kind: content, stop word, number, letter, common word. (A number word is read as a number.)
WEIGHTS = np.array([1.0, 0.3, 0.6, 0.5, 0.8])
# The same in hundredths: whole numbers are compared faster.
SCORES = np.array([100, 30, 60, 50, 80], np.int64)
MISMATCH = -50
# A number for a number, at its place in the question, is the mark of a variant.
OTHER_NUMBER = -10
GAP_OPENS, GAP_GROWS = -80, -2
NO_SCORE = -(10**9)

NOTHING, PAIR, IN_ITEM, IN_DOCUMENT = range(4)  # where a score comes from: a gap in which the other has more words
IN_ITEM_GROWS, IN_DOCUMENT_GROWS = 4, 8  # flags: the gap is the continuation of one


# Columns that compare_parts adds to what `compare` returns: whether anything is aligned, and the bytes where it is.
COMPARED, ALIGNED, START, AFTER = 12, 12, 13, 14


@compiled
def compare_parts(data, offsets, parts, bounds, item_hashes, item_kinds, tables, vocabulary):  # type: ignore[no-untyped-def]
    """Return the [parts, AFTER + 1] comparisons of items with parts of the texts data[offsets[d]:offsets[d + 1]].

    parts: [parts, 4] document, item, first word, and the one behind the last, sorted by document. bounds: [items + 1]
    where the tokens of each item begin in item_hashes and item_kinds. tables: canonical_tables.Tables. START is the
    byte of its text in which the first word that is aligned begins, AFTER the one of the word behind the last.
    """
    found = np.zeros((len(parts), AFTER + 1))
    document = -1
    for place in range(len(parts)):
        row, number, low, high = parts[place]
        text = data[offsets[row] : offsets[row + 1]]
        if row != document:
            document = row
            stream, size, starts, raw = read_canonical(text, tables)
            hashes, kinds, values = read_words(stream, size, starts, vocabulary)
        item, own_kinds = (
            item_hashes[bounds[number] : bounds[number + 1]],
            item_kinds[bounds[number] : bounds[number + 1]],
        )
        part, part_kinds, first = read_number_words(
            hashes[low:high], kinds[low:high], values[low:high], vocabulary.conjunction
        )
        pairs = align(item, own_kinds, part, part_kinds)
        if pairs.max() < 0:
            continue
        compare(item, own_kinds, part, part_kinds, pairs, found[place])
        found[place, ALIGNED] = 1
        after = np.int64(found[place, COMPARED - 2]) + 1
        start = low + first[np.int64(found[place, COMPARED - 3])]
        after = low + first[after] if after < len(first) else high
        found[place, START] = raw[start]
        found[place, AFTER] = raw[after] if after < len(raw) else len(text)
    return found


@compiled
def align(item, item_kinds, document, document_kinds):  # type: ignore[no-untyped-def]
    """Return the [item words] words of the document that each is aligned with, -1 where it is with none."""
    rows, columns = len(item), len(document)
    trace = np.zeros((rows + 1, columns + 1), np.uint8)
    score, above = np.zeros(columns + 1, np.int64), np.full(columns + 1, NO_SCORE, np.int64)
    best, best_row, best_column = 0, 0, 0
    for row in range(1, rows + 1):
        word, weight = item[row - 1], SCORES[item_kinds[row - 1]]
        mismatch = OTHER_NUMBER if item_kinds[row - 1] == NUMBER else MISMATCH
        diagonal, beside, left = 0, NO_SCORE, 0
        for column in range(1, columns + 1):
            before = score[column]
            opened, grown = before + GAP_OPENS, above[column] + GAP_GROWS
            flags = IN_DOCUMENT_GROWS if grown > opened else 0
            up = grown if grown > opened else opened
            above[column] = up
            opened, grown = left + GAP_OPENS, beside + GAP_GROWS
            flags |= IN_ITEM_GROWS if grown > opened else 0
            beside = grown if grown > opened else opened
            other = mismatch if document_kinds[column - 1] == NUMBER else MISMATCH
            value = diagonal + (weight if document[column - 1] == word else other)
            diagonal = before
            source = PAIR
            source = IN_ITEM if beside > value else source
            value = beside if beside > value else value
            source = IN_DOCUMENT if up > value else source
            value = up if up > value else value
            source = source if value > 0 else NOTHING
            value = value if value > 0 else 0
            score[column] = left = value
            trace[row, column] = source | flags
            if value > best:
                best, best_row, best_column = value, row, column
    pairs = np.full(rows, -1, np.int64)
    row, column = best_row, best_column
    while row > 0 and column > 0:
        source = trace[row, column] & 3
        if source == NOTHING:
            break
        if source == PAIR:
            row -= 1
            column -= 1
            pairs[row] = column
        elif source == IN_ITEM:
            while trace[row, column] & IN_ITEM_GROWS:
                column -= 1
            column -= 1
        else:
            while trace[row, column] & IN_DOCUMENT_GROWS:
                row -= 1
            row -= 1
    _extend(item_kinds, document_kinds, pairs)
    return pairs


@compiled
def _extend(item_kinds, document_kinds, pairs):  # type: ignore[no-untyped-def]
    """Pair a number at the very beginning or end of an item with another, beyond the alignment's end."""
    last = len(pairs) - 1
    if last > 0 and pairs[0] < 0 < pairs[1] and item_kinds[0] == NUMBER and document_kinds[pairs[1] - 1] == NUMBER:
        pairs[0] = pairs[1] - 1
    if last > 0 and pairs[last] < 0 <= pairs[last - 1] and item_kinds[last] == NUMBER:
        after = pairs[last - 1] + 1
        if after < len(document_kinds) and document_kinds[after] == NUMBER:
            pairs[last] = after


@compiled
def compare(item, item_kinds, document, document_kinds, pairs, found):  # type: ignore[no-untyped-def]
    """Set found[:COMPARED] to what an alignment says: see Comparison in rules.py for the fields and their order."""
    total = same = spanned = content = words = telling = numbers = changed = kept = 0.0
    first = last = -1
    for word in range(len(item)):
        if pairs[word] >= 0:
            first = word if first < 0 else first
            last = word
    for word in range(len(item)):
        weight, kind, pair = float(WEIGHTS[item_kinds[word]]), item_kinds[word], pairs[word]
        is_same = pair >= 0 and document[pair] == item[word]
        is_spanned = first <= word <= last
        total += weight
        spanned += weight if is_spanned else 0.0
        same += weight if is_same else 0.0
        words += is_same
        telling += is_same and kind != STOP
        if is_same and (kind in (CONTENT, COMMON)) and _is_first(item, document, pairs, word):
            content += 1.0 if kind == CONTENT else 0.5
        if kind == NUMBER:
            numbers += is_spanned
            kept += is_same
            changed += pair >= 0 and not is_same and document_kinds[pair] == NUMBER
    found[0], found[1], found[2], found[3], found[4], found[5] = total, same, spanned, content, words, telling
    found[6], found[7], found[8] = numbers, changed, kept
    found[9], found[10], found[11] = pairs[first], pairs[last], last == len(item) - 1


@compiled
def _is_first(item, document, pairs, word):  # type: ignore[no-untyped-def]
    """Tell whether a word that agrees has no equal before it that agrees too."""
    for before in range(word):
        if item[before] == item[word] and pairs[before] >= 0 and document[pairs[before]] == item[word]:
            return False
    return True
