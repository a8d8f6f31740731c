"""The rule by which a bad trial is stopped, written out."""

from statistics import median


def is_behind(seen: dict[int, float], finished: list[dict[int, float]]) -> bool:
    """Whether a trial's best loss so far is above the median that finished trials had at its latest step.

    ``seen`` and each of ``finished`` are ``{step: validation loss}``. It is the median stopping rule (Golovin et al.
    2017, §3.2.1, there with running averages) as Optuna's ``MedianPruner`` has it.
    """
    step = max(seen)
    others = [losses[step] for losses in finished if step in losses]
    return bool(others) and min(seen.values()) > median(others)
