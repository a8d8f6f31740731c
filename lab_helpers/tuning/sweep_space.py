"""What a sweep of LoRA's settings may choose from, and what it chose as code to paste."""

from dataclasses import asdict, dataclass
from typing import Any

TARGETS: dict[str, list[str] | str] = {
    "q,v": ["q_proj", "v_proj"],
    "q,k,v,o": ["q_proj", "k_proj", "v_proj", "o_proj"],
    "all-linear": "all-linear",
}
"""What a trial calls its adapted layers → what ``LoraConfig(target_modules=…)`` takes."""


@dataclass(frozen=True)
class SweepSpace:
    """The values that trials draw from.

    Alpha is drawn as a multiple of r, since LoRA's output is scaled by α/r (Hu et al. 2021, §4.1): drawn
    alone, it would mean something else at each rank. The learning rate is drawn on a logarithmic scale.
    """

    ranks: tuple[int, ...] = (4, 8, 16, 32, 64)
    alpha_over_r: tuple[float, ...] = (0.5, 1, 2, 4)
    targets: tuple[str, ...] = tuple(TARGETS)
    dropouts: tuple[float, ...] = (0.0, 0.05, 0.1)
    learning_rates: tuple[float, float] = (2e-5, 2e-3)

    def suggest(self, trial) -> dict[str, Any]:
        """The settings of one ``optuna`` trial: r, alpha_over_r, targets, dropout, learning_rate."""
        low, high = self.learning_rates
        return {
            "r": trial.suggest_categorical("r", self.ranks),
            "alpha_over_r": trial.suggest_categorical("alpha_over_r", self.alpha_over_r),
            "targets": trial.suggest_categorical("targets", self.targets),
            "dropout": trial.suggest_categorical("dropout", self.dropouts),
            "learning_rate": trial.suggest_float("learning_rate", low, high, log=True),
        }

    def as_json(self) -> dict[str, list]:
        """Plain data: what a study file remembers of it."""
        return {name: list(values) for name, values in asdict(self).items()}


def fitting_targets(model) -> tuple[str, ...]:
    """Those of :data:`TARGETS` whose layers ``model`` has; architectures with other names keep "all-linear"."""
    endings = {name.rpartition(".")[2] for name, _ in model.named_modules()}
    return tuple(n for n, layers in TARGETS.items() if isinstance(layers, str) or endings >= {*layers})  # fmt: skip


def lora_settings(found: dict[str, Any]) -> dict[str, Any]:
    """Keywords of ``LoraConfig`` for the settings that a trial drew."""
    return {
        "r": found["r"],
        "lora_alpha": round(found["r"] * found["alpha_over_r"]),
        "target_modules": TARGETS[found["targets"]],
        "lora_dropout": found["dropout"],
        "task_type": "CAUSAL_LM",
    }


def settings_code(found: dict[str, Any], training: dict[str, Any]) -> str:
    """A trial's settings as ``LoraConfig(…)`` and ``SFTConfig(…)``, ready to paste.

    ``training`` are the settings of ``SFTConfig`` that all trials shared; the learning rate joins them.
    """
    rate = float(f"{found['learning_rate']:.3g}")
    return "\n".join(
        (
            "from peft import LoraConfig",
            "from trl import SFTConfig",
            "",
            _call("adapter", "LoraConfig", lora_settings(found)),
            _call("training", "SFTConfig", {"learning_rate": rate, **training}),
        )
    )


def _call(name: str, function: str, settings: dict[str, Any]) -> str:
    lines = [f"    {key}={_literal(value)}," for key, value in settings.items()]
    return "\n".join((f"{name} = {function}(", *lines, ")"))


def _literal(value) -> str:
    """``value`` as this course writes it in code: double quotes, lists of names on one line."""
    if isinstance(value, str):
        return f'"{value}"'
    if isinstance(value, list):
        return f"[{', '.join(map(_literal, value))}]"
    return f"{value:g}" if isinstance(value, float) and 0 < value < 1e-3 else repr(value)
