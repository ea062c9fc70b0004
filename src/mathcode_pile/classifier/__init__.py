"""fastText classifiers of mathematical text: open a trained model and score columns of text with it."""
