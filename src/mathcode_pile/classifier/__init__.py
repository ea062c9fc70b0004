"""fastText classifiers of mathematical text: `train` makes and measures one, `scoring` applies it.

The negatives of a training set are what a crawl holds, some mathematics among them: precision against them
is a lower bound.
"""
