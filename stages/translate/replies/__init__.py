"""Parse a model's reply into computations, and repair their programs."""

from stages.translate.replies.repairs import repair_all
from stages.translate.replies.reply_reader import parse_reply

__all__ = ["parse_reply", "repair_all"]
