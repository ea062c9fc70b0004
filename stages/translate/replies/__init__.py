"""Parse a model's reply into computations."""

from stages.translate.replies.reply_reader import parse_reply

__all__ = ["parse_reply"]
