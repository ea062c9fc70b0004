"""Continue a model's pretraining on packed rows; killed anywhere, it goes on as if it had not been.

What a step does follows from its number alone: which rows, which learning rate, which random seed. So a
checkpoint is the weights, the optimizer's moments and the curve. On a CPU the result has the same bits
however often it was interrupted, given the same build of torch and the same pretrain.cpu_threads.
"""

from mathcode_pile.pretrain.settings import PretrainParams
from mathcode_pile.pretrain.training import pretrain

__all__ = ["PretrainParams", "pretrain"]
