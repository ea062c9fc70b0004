"""Parse a model's reply into computations."""

from stages.translate.replies.reply_reader import Computation, Parsed, parse_reply

__all__ = ["Computation", "Parsed", "parse_reply"]
