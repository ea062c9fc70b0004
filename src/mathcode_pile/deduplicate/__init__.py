"""Remove exact and near duplicates, within and across components; what stays of a cluster is stable.

Exact: the same text, white space aside. Near: MinHash signatures of word n-grams fall into one LSH bucket
and their estimated similarity is high enough. Of a cluster stays the document of the component first in
`priority`, then that of most words, then that of the lowest id. A near duplicate goes only where it
resembles a document that stays, not merely a neighbour of its neighbour.
Memory follows the signatures, not the text: see memory_bytes.
Not covered: a short document inside a long one, translations, reworded text.
"""
