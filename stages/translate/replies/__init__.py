"""Parse a model's reply into computations, and repair their programs."""

from stages.translate.replies.repairs import repair_all
from stages.translate.replies.reply_reader import parse_reply
from stages.translate.replies.result_name import rename_result

__all__ = ["parse_reply", "rename_result", "repair_all"]
