"""Small numbers as English words."""

UNITS = """
    zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen
    eighteen nineteen
""".split()  # noqa: SIM905 -- twenty words read better in lines
TENS = "twenty thirty forty fifty sixty seventy eighty ninety".split()  # noqa: SIM905
UP_TO_TWELVE = {word: number for number, word in enumerate(UNITS[:13])}
"""The numbers that texts write as words; larger ones are nearly always in digits."""
