"""The processes that train together: each holds the whole model, or a shard of it (FSDP)."""

from datetime import timedelta

import torch
from accelerate import Accelerator, DistributedType
from accelerate.utils import InitProcessGroupKwargs

from mathcode_pile.core.errors import ParamsError
from stages.pretrain.training_params import PretrainParams

# How long may a process wait for the others? torch's 10 minutes are too short while one of them writes: a checkpoint of
# 8B parameters is 96 GB, which takes 80 minutes at 20 MB/s.
TIMEOUT = timedelta(hours=2)


def make_accelerator(params: PretrainParams) -> Accelerator:
    """Return accelerate's handle of the processes, as `accelerate launch` or torchrun started them."""
    precision = "bf16" if params.precision == "bf16" else "no"
    waits = InitProcessGroupKwargs(timeout=TIMEOUT)
    accelerator = Accelerator(mixed_precision=precision, cpu=not torch.cuda.is_available(), kwargs_handlers=[waits])
    if is_sharded(accelerator):
        from torch.distributed.fsdp import MixedPrecisionPolicy

        plugin = accelerator.state.fsdp_plugin
        if plugin.fsdp_version != 2:
            raise ParamsError(f"{params.launcher}: fsdp_config.fsdp_version must be 2, got {plugin.fsdp_version}")
        if params.precision == "bf16":
            # accelerate's own policy would also add up gradients and return the loss in bf16.
            policy = MixedPrecisionPolicy(param_dtype=torch.bfloat16, reduce_dtype=torch.float32)
            plugin.mixed_precision_policy = policy
    return accelerator


def is_sharded(accelerator: Accelerator) -> bool:
    """Tell whether each process holds only a shard of the weights."""
    return bool(accelerator.distributed_type == DistributedType.FSDP)
