"""Preference pairs as tokens, cut as TRL cuts them, and their log-probabilities under a model."""

from dataclasses import dataclass

import torch

from lab_helpers.data.forms.preference_rows import preference_parts
from lab_helpers.data.forms.turns import NotMessages
from lab_helpers.models.logits import last_logits, row_pieces
from lab_helpers.runtime.errors import BadInput
from lab_helpers.runtime.language import say
from lab_helpers.runtime.progress import track
from lab_helpers.tuning.masks import read_tools
from lab_helpers.tuning.preference_losses import PairLogps, token_logps


def preference_pairs(rows: list[dict]) -> list[dict]:
    """Rows of any preference shape in TRL's conversational form: ``prompt``, ``chosen``, ``rejected``.

    Texts become one turn; without a prompt column the turns that both answers share are the prompt.
    """
    found = []
    for number, row in enumerate(rows, 1):
        if missing := [name for name in ("chosen", "rejected") if not row.get(name)]:
            raise BadInput(
                say(
                    f"pair {number} has no {' and no '.join(missing)}",
                    f"{number} 番目の組に {' と '.join(missing)} がありません",
                ),
                say(
                    "A preference needs prompt, chosen and rejected: labs data check FILE lists such rows.",
                    "選好データには prompt、chosen、rejected が必要です。該当する行は labs data check FILE で確認できます。",
                ),
            )
        try:
            parts = preference_parts(row)
        except NotMessages as error:
            raise BadInput(
                say(
                    f"pair {number} cannot be read ({error})",
                    f"{number} 番目の組を読み取れません（{error}）",
                ),
                say(
                    "Give prompt, chosen and rejected as texts or as lists of turns.",
                    "prompt、chosen、rejected を、文字列か発言のリストで渡してください。",
                ),
            ) from None
        if _said(parts["chosen"]) == _said(parts["rejected"]):
            raise BadInput(
                say(
                    f"pair {number}: chosen and rejected are the same, so nothing is preferred",
                    f"{number} 番目の組は chosen と rejected が同じで、どちらが好まれるのか分かりません",
                ),
                say(
                    "Take such pairs out: labs data check FILE lists them.",
                    "このような組を取り除いてください。labs data check FILE で確認できます。",
                ),
            )
        found.append(parts | {"tools": row["tools"]} if row.get("tools") else parts)
    return found


def _said(turns: list[dict]) -> list[tuple[str, str]]:
    return [(turn["role"], turn["content"].strip()) for turn in turns]


@dataclass(frozen=True)
class PairTokens:
    """Token ids of a prompt and of its two answers; the prompt is what both tokenized texts share."""

    prompt: list[int]
    chosen: list[int]
    rejected: list[int]

    def cut(self, max_length: int | None) -> "PairTokens":
        """What is left when prompt and answer together may have ``max_length`` tokens, from the start."""
        if max_length is None:
            return self
        room = max(0, max_length - len(self.prompt))
        return PairTokens(self.prompt[:max_length], self.chosen[:room], self.rejected[:room])


def tokenize_pair(tokenizer, pair: dict) -> PairTokens:
    """Prompt with the assistant's opening, and both whole conversations without it."""
    tools = read_tools(pair)

    def ids(turns: list[dict], opening: bool = False) -> list[int]:
        return tokenizer.apply_chat_template(
            turns, tools=tools, add_generation_prompt=opening, return_dict=True
        )["input_ids"]

    prompt = ids(pair["prompt"], opening=True)
    chosen, rejected = (ids(pair["prompt"] + pair[name]) for name in ("chosen", "rejected"))
    start = min(_shared(prompt, chosen), _shared(prompt, rejected))
    return PairTokens(prompt[:start], chosen[start:], rejected[start:])


def _shared(a: list[int], b: list[int]) -> int:
    return next((i for i, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), min(len(a), len(b)))  # fmt: skip


def pair_batch(
    tokenizer, pairs: list[dict], max_length: int | None = None
) -> dict[str, torch.Tensor]:
    """``input_ids``, ``attention_mask`` and ``completion_mask``, (2n, length): chosen first, then rejected."""
    tokens = [tokenize_pair(tokenizer, pair).cut(max_length) for pair in pairs]
    rows = [(p.prompt, p.chosen) for p in tokens] + [(p.prompt, p.rejected) for p in tokens]
    width = max(len(prompt) + len(answer) for prompt, answer in rows)
    batch: dict[str, list[list[int]]] = {
        "input_ids": [],
        "attention_mask": [],
        "completion_mask": [],
    }
    for prompt, answer in rows:
        pad = width - len(prompt) - len(answer)
        batch["input_ids"].append([*prompt, *answer, *[tokenizer.pad_token_id] * pad])
        batch["attention_mask"].append([1] * (width - pad) + [0] * pad)
        batch["completion_mask"].append([0] * len(prompt) + [1] * len(answer) + [0] * pad)
    return {name: torch.tensor(values) for name, values in batch.items()}


@torch.no_grad()
def batch_token_logps(model, batch: dict[str, torch.Tensor]) -> torch.Tensor:
    """:func:`token_logps` of a :func:`pair_batch`, (2n, length - 1), on the model's device.

    Logits are made from the place before the first answer on, for as many rows at a time as memory
    takes: the pairs of one batch would be 5 GB of them on a model of today's vocabulary.
    """
    ids, seen, answer = (
        batch[name].to(model.device) for name in ("input_ids", "attention_mask", "completion_mask")
    )
    answered = answer[:, 1:].any(0).nonzero()
    if not len(answered):
        return torch.zeros_like(ids[:, 1:], dtype=torch.float32)
    kept = ids.shape[1] - int(answered[0])
    found = [
        token_logps(
            last_logits(model, ids[rows], kept, attention_mask=seen[rows]),
            ids[rows, -kept:],
            answer[rows, -kept:],
        )
        for rows in row_pieces(model, len(ids), kept)
    ]
    return torch.nn.functional.pad(torch.cat(found), (ids.shape[1] - kept, 0))


@torch.inference_mode()
def answer_logps(
    model, tokenizer, pairs: list[dict], max_length: int | None = None, batch_size: int = 16
) -> tuple[torch.Tensor, torch.Tensor]:
    """log π(chosen | prompt) and log π(rejected | prompt) of each pair, (n,) each, on the CPU."""
    found: list[tuple[torch.Tensor, torch.Tensor]] = []
    starts = range(0, len(pairs), batch_size)
    for start in track(starts, say("log-probabilities", "対数確率"), len(starts)):
        batch = pair_batch(tokenizer, pairs[start : start + batch_size], max_length)
        found.append(batch_token_logps(model, batch).sum(-1).chunk(2))
    chosen, rejected = zip(*found, strict=True)
    return torch.cat(chosen).cpu(), torch.cat(rejected).cpu()


def pair_logps(
    model, tokenizer, pairs: list[dict], max_length: int | None = None, reference=None
) -> PairLogps:
    """Both answers' log-probabilities under ``model`` and its reference.

    ``reference`` is a model of its own, or ``None``: then ``model`` is a ``PeftModel`` and its
    reference is itself with the adapter switched off.
    """
    policy = answer_logps(model, tokenizer, pairs, max_length)
    if reference is None:
        with model.disable_adapter():
            before = answer_logps(model, tokenizer, pairs, max_length)
    else:
        before = answer_logps(reference, tokenizer, pairs, max_length)
    tokens = [tokenize_pair(tokenizer, pair).cut(max_length) for pair in pairs]
    lengths = (
        torch.tensor([len(getattr(t, name)) for t in tokens]) for name in ("chosen", "rejected")
    )
    return PairLogps(*policy, *before, *lengths)
