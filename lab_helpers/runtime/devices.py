"""One GPU for one process, chosen before CUDA looks at what there is."""

import os

# A learner, or a launcher of several processes (torchrun, accelerate launch), has chosen by these.
_CHOICES = ("CUDA_VISIBLE_DEVICES", "HIP_VISIBLE_DEVICES", "LOCAL_RANK")


def show_one_gpu() -> None:
    """Let this process see the first GPU alone, unless somebody has chosen otherwise.

    With two (Kaggle's T4 × 2) transformers' ``Trainer`` would put the model into ``nn.DataParallel``,
    which TRL refuses. The driver reads the variable once, when CUDA is first asked for anything; so
    the package says it as it is imported. With one GPU, or none, nothing changes.
    """
    if not any(name in os.environ for name in _CHOICES):
        os.environ["CUDA_VISIBLE_DEVICES"] = "0"
