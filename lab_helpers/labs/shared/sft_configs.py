"""The settings of supervised trainings that several labs share."""

from lab_helpers.course.record import Run
from lab_helpers.tuning.trainer_config import trainer_config


def make_steps_config(run: Run, steps: int, **settings):
    """``SFTConfig`` for ``steps`` steps after a warm-up of a tenth; ``settings`` win."""
    from trl import SFTConfig

    usual = {
        "max_steps": steps,
        "per_device_train_batch_size": run.settings["batch_size"],
        "learning_rate": run.settings["learning_rate"],
        "lr_scheduler_type": "cosine",
        "warmup_steps": 0.1,
        "max_length": run.settings["max_length"],
    }
    return trainer_config(SFTConfig, run.machine, **(usual | settings))
