"""Lab 05, safety and ethics pairs: is the safe answer ahead by the implicit reward?"""

import torch

from lab_helpers.runtime.intervals import wilson_interval
from lab_helpers.tuning.preference_losses import reward_accuracy


def safety_row(chosen, rejected, ref_chosen, ref_rejected) -> dict:
    """Accuracy of the implicit reward with Wilson's interval, and how far both answers moved, in nats."""
    count = len(chosen)
    rate = float(reward_accuracy(chosen, rejected, ref_chosen, ref_rejected))
    ratios = torch.stack([chosen - ref_chosen, rejected - ref_rejected]).mean(1).tolist()
    return {
        "pairs": count,
        "accuracy": rate,
        "interval": wilson_interval(round(rate * count), count),
        "chosen": ratios[0],
        "rejected": ratios[1],
    }
