"""What is trained, and how: the settings that a training's memory depends on, and their limits."""

import math
from dataclasses import dataclass

from lab_helpers.models.known_configs import TARGET_SETS
from lab_helpers.runtime.errors import BadInput
from lab_helpers.runtime.language import say

METHODS = ("full", "lora", "qlora")
TRAININGS = ("sft", "dpo", "grpo", "ppo", "reward")
OPTIMIZERS = ("adamw", "adamw_8bit", "paged_adamw_8bit")
LOGITS = ("trl", "fused", "fused_torch", "full")
MOST, MOST_TOKENS = 10_000_000, 4_000_000


@dataclass(frozen=True)
class Plan:
    """What is trained, and how.

    ``method`` is what of the model trains, ``training`` by which loss. ``batch`` examples go through at
    once: texts (sft), pairs (dpo, reward: two texts each), completions (grpo, ppo). ``sequence`` is an
    example's tokens; with grpo and ppo its prompt's, and ``completion`` tokens come on top. A prompt gets
    ``generations`` completions (TRL's ``num_generations``; PPO takes one).

    ``logits`` is how the loss reads the words' probabilities: "full" builds them whole, "fused" tile by
    tile (TRL ≥ 1.16 with Triton), "fused_torch" the same without Triton (a CPU, Windows); "trl" is what
    TRL does for this training: "fused", but "full" for PPO, which it no longer has.

    ``reference``: whether a frozen reference takes part (``None``: as TRL has it, for dpo and ppo, and
    not for grpo, whose β is 0). ``reward_model``: a reward model's name (PPO without one takes the
    policy's own size; GRPO counts programs that score).

    ``wide`` is the bytes of a number that is not quantized (2 on a GPU, 4 on a CPU); ``train_bytes``
    those of a trainable one: 4, or 2 for weights that train in bf16. ``double`` is double quantization.
    ``adapter`` is an adapter's folder, which takes the place of ``r`` and ``targets``.
    """

    method: str = "qlora"
    r: int = 16
    targets: str = "all linear"
    sequence: int = 512
    batch: int = 1
    checkpointing: bool = True
    optimizer: str = "adamw"
    double: bool = True
    train_bytes: int = 4
    wide: int = 2
    training: str = "sft"
    logits: str = "trl"
    completion: int = 512
    generations: int = 8
    reference: bool | None = None
    reward_model: str | None = None
    adapter: str | None = None

    def __post_init__(self):
        for name, allowed in (
            ("method", METHODS),
            ("training", TRAININGS),
            ("optimizer", OPTIMIZERS),
            ("targets", tuple(TARGET_SETS)),
            ("logits", LOGITS),
        ):
            if getattr(self, name) not in allowed:
                raise _unknown(name, getattr(self, name), allowed)
        for name in ("r", "sequence", "batch", "completion", "generations"):
            value = getattr(self, name)
            if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= MOST:
                raise BadInput(
                    say(f"{name} is {value}", f"{name} が {value} になっています"),
                    say(
                        f"Give a whole number from 1 to {MOST:,}.",
                        f"1 から {MOST:,} までの整数を指定してください。",
                    ),
                )
        for name in ("train_bytes", "wide"):
            if getattr(self, name) not in (2, 4):
                raise BadInput(
                    say(
                        f"{name} is {getattr(self, name)}",
                        f"{name} が {getattr(self, name)} になっています",
                    ),
                    say(
                        "Give 2 (16 bits) or 4 (32 bits).",
                        "2（16 ビット）か 4（32 ビット）を指定してください。",
                    ),
                )

        tokens = max(self.rows, self.written_at_once if self.generates else 1) * self.length
        if tokens > MOST_TOKENS:
            raise BadInput(
                say(f"{tokens:,} tokens at a time", f"一度に {tokens:,} トークンになります"),
                say(
                    f"Give a batch, a sequence and completions of at most {MOST_TOKENS:,} tokens together.",
                    f"バッチ、系列長、生成の長さを、合わせて {MOST_TOKENS:,} トークン以下にしてください。",
                ),
            )

    @property
    def generates(self) -> bool:
        """Whether the model writes completions between its steps."""
        return self.training in ("grpo", "ppo")

    @property
    def rows(self) -> int:
        """Texts that go through the model at once."""
        return self.batch * (2 if self.training in ("dpo", "reward") else 1)

    @property
    def length(self) -> int:
        """Tokens of each such text."""
        return self.sequence + (self.completion if self.generates else 0)

    @property
    def has_reference(self) -> bool:
        if self.reference is None:
            return self.training in ("dpo", "ppo")
        return self.reference and self.training in ("dpo", "grpo", "ppo")

    @property
    def written_at_once(self) -> int:
        """Completions that are generated in one go.

        TRL's GRPO generates for ``generation_batch_size``, a multiple of the batch that
        ``num_generations`` divides (``GRPOConfig.__post_init__``): here the smallest.
        """
        return math.lcm(self.batch, self.generations) if self.training == "grpo" else self.batch


def _unknown(name: str, value, allowed: tuple[str, ...]) -> BadInput:
    hint, ja = "", ""
    if name == "method" and value in TRAININGS:
        hint, ja = f" (or --training {value})", f"（または --training {value}）"
    return BadInput(
        say(f"unknown {name} '{value}'", f"{name} に「{value}」は指定できません"),
        say(
            f"Use one of: {', '.join(allowed)}{hint}.",
            f"次のいずれかを指定してください: {'、'.join(allowed)}{ja}。",
        ),
    )
