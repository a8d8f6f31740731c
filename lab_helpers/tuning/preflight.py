"""Mistakes that a training would swallow, or report after minutes in words nobody understands.

Checked before the first step: rows without an answer, answers that ``max_length`` cuts away, rows
longer than the model's context, a chat template that loses a role, an end that is never taught, and
an adapter that fits no layer.
"""

import warnings
from itertools import islice

from lab_helpers.runtime.errors import BadInput
from lab_helpers.runtime.language import say
from lab_helpers.tuning.adapter_checks import check_adapter
from lab_helpers.tuning.masks import IGNORED, ids_and_labels, marks_the_assistant

EXAMINED = 2000


def check_before_training(model, tokenizer, examples: list[dict], config, adapter=None) -> None:
    """Raise :class:`BadInput` for what cannot train as meant; warn where a part of it cannot.

    ``examples`` are rows of any form that :class:`trl.SFTTrainer` takes, ``config`` an ``SFTConfig``,
    ``adapter`` a PEFT configuration or ``None``.
    """
    check_learning_rate(config)
    check_examples(examples, tokenizer, config, model)
    if adapter is not None:
        check_adapter(adapter, model)


def check_learning_rate(config) -> None:
    """Refuse a rate at which nothing can move."""
    if config.learning_rate <= 0:
        raise BadInput(
            say(
                f"learning_rate is {config.learning_rate:g}: no weight would move",
                f"learning_rate が {config.learning_rate:g} では、重みがまったく動きません",
            ),
            say(
                "Full fine-tuning starts near 1e-5 to 1e-3, LoRA about ten times higher.",
                "目安は、フルファインチューニングで 1e-5 から 1e-3、LoRA ではその 10 倍ほどです。",
            ),
        )


def check_examples(examples: list[dict], tokenizer, config, model=None) -> None:
    """Form, answers, roles and lengths of the rows; beyond the first :data:`EXAMINED` only their form."""
    if not examples:
        raise BadInput(
            say("there are no examples to train on", "学習に使う例がありません"),
            say("Give at least one.", "1 件以上渡してください。"),
        )
    form = _form(examples[0])
    for number, row in enumerate(examples, 1):
        _check_row(row, number, form)
    if form == "input_ids":
        return
    sample = list(islice(examples, EXAMINED))
    _check_template(sample, tokenizer, config)
    mode = _mode(config, form)
    rows = [ids_and_labels(tokenizer, row, mode) for row in sample]
    _check_context(rows, config, model)
    _check_cut(rows, config)
    _check_end(rows, tokenizer, model)


def _form(row: dict) -> str:
    for form in ("input_ids", "prompt", "messages", "text"):
        if form in row and (form != "prompt" or "completion" in row):
            return form
    columns = ", ".join(map(str, row)) or say("none", "なし")
    raise BadInput(
        say(
            f"the rows have no form that a trainer takes (columns: {columns})",
            f"行の形式がトレーナーに対応していません（列: {columns}）",
        ),
        say(
            "Give prompt and completion, or messages, or text: prompt_completion(rows) makes the first "
            "of question and answer.",
            "prompt と completion、messages、text のいずれかで渡してください。question と answer からは prompt_completion(rows) で prompt と completion を作れます。",
        ),
    )


def _check_row(row: dict, number: int, form: str) -> None:
    needed = ("prompt", "completion") if form == "prompt" else (form,)
    if missing := [name for name in needed if not row.get(name)]:
        raise BadInput(
            say(f"row {number} has no {missing[0]}", f"{number} 行目に {missing[0]} がありません"),
            say(
                "Take it out: labs data check FILE lists such rows by line.",
                "この行を取り除いてください。該当する行は labs data check FILE で確認できます。",
            ),
        )
    answer = row[needed[-1]]
    if any(turn.get("weight") == 0 for turn in _turns(row)):
        raise BadInput(
            say(
                f"row {number} has a turn that is not to be learned (weight 0), and a trainer learns it all the same",
                f"{number} 行目に、学習しないと印を付けた発言（weight 0）がありますが、トレーナーはそれも学習してしまいます",
            ),
            say(
                "Make prompt and completion of it: lab_helpers.data.forms.shapes.to_prompt_completion(row, shape).",
                "prompt と completion に変換してください: lab_helpers.data.forms.shapes.to_prompt_completion(row, shape)。",
            ),
        )
    if isinstance(answer, list) and isinstance(answer[0], dict):
        turns = [turn for turn in answer if turn.get("role") == "assistant"]
        if not turns:
            raise BadInput(
                say(
                    f"row {number} has no turn of the assistant: there is nothing to learn from it",
                    f"{number} 行目に assistant の発言がなく、学習するものがありません",
                ),
                say(
                    "Take it out, or give the answer the role 'assistant'.",
                    "この行を取り除くか、回答の role を assistant にしてください。",
                ),
            )
        answer = turns[-1].get("content") or turns[-1].get("tool_calls")
    if isinstance(answer, str) and not answer.strip():
        raise BadInput(
            say(
                f"row {number} has an empty answer: the model would learn to say nothing",
                f"{number} 行目の回答が空です。モデルが「何も答えない」ことを学んでしまいます",
            ),
            say(
                "Take such rows out before training.",
                "学習の前に、このような行を取り除いてください。",
            ),
        )


def _mode(config, form: str) -> str | None:
    """The mask that TRL will build with ``config``."""
    if getattr(config, "assistant_only_loss", False):
        return "assistant_only"
    if form == "prompt" and getattr(config, "completion_only_loss", None) is False:
        return "everything"
    return None


def _turns(row: dict) -> list[dict]:
    parts = [row.get("prompt"), row.get("completion"), row.get("messages")]
    return [turn for part in parts if isinstance(part, list) for turn in part]


def _check_template(rows: list[dict], tokenizer, config) -> None:
    """Every role that occurs must be rendered with its words."""
    conversations = [turns for row in rows if (turns := _turns(row))]
    if not conversations:
        return
    if not tokenizer.chat_template:
        raise BadInput(
            say(
                "the tokenizer has no chat template, and the rows are conversations",
                "行は会話形式ですが、トークナイザーにチャットテンプレートがありません",
            ),
            say(
                "Use an instruction-tuned model's tokenizer, or render the rows into text yourself.",
                "指示チューニング済みモデルのトークナイザーを使うか、自分で行をテキストに変換してください。",
            ),
        )
    if getattr(config, "assistant_only_loss", False) and not marks_the_assistant(tokenizer):
        _trl_knows_the_template(tokenizer)
    seen: set[str] = set()
    for turns in conversations:
        for turn in turns:
            if turn["role"] not in seen:
                seen.add(turn["role"])
                _check_role(turn, turns, tokenizer)


def _trl_knows_the_template(tokenizer) -> None:
    from trl.chat_template_utils import get_training_chat_template

    try:
        get_training_chat_template(tokenizer)
    except ValueError:
        raise BadInput(
            say(
                "assistant_only_loss needs a chat template with {% generation %}, and this one has none",
                "assistant_only_loss には {% generation %} を含むチャットテンプレートが必要ですが、このテンプレートにはありません",
            ),
            say(
                "Use prompt and completion instead: the loss is then on the completion only.",
                "代わりに prompt と completion を使ってください。損失は completion だけにかかります。",
            ),
        ) from None


def _check_role(turn: dict, turns: list[dict], tokenizer) -> None:
    role, words = turn["role"], str(turn.get("content") or "").strip()
    try:
        text = tokenizer.apply_chat_template(turns, tokenize=False)
    except Exception as error:  # jinja has many
        raise BadInput(
            say(
                f"the chat template does not take a conversation with the role '{role}' ({error})",
                f"チャットテンプレートが、role「{role}」を含む会話を受け付けません（{error}）",
            ),
            say(
                "Put a system message's text in front of the first user message, or use another template.",
                "system の文章を最初の user の発言の前に付けるか、別のテンプレートを使ってください。",
            ),
        ) from None
    if words and words not in text:
        raise BadInput(
            say(
                f"the chat template drops what '{role}' says",
                f"チャットテンプレートが「{role}」の発言を書き出しません",
            ),
            say(
                "Put that text into a user message, or use another template.",
                "その文章を user の発言に入れるか、別のテンプレートを使ってください。",
            ),
        )


def _check_context(rows: list[tuple], config, model) -> None:
    """A row may not be longer than what the model reads at once."""
    settings = getattr(model, "config", None)
    context = getattr(settings, "max_position_embeddings", None)
    if context is None or getattr(config, "packing", False):
        return
    longest = max(range(len(rows)), key=lambda i: len(rows[i][0]))
    length = len(rows[longest][0])
    kept = length if config.max_length is None else min(length, config.max_length)
    if kept > context:
        raise BadInput(
            say(
                f"row {longest + 1} has {length:,} tokens, and the model reads {context:,} at once",
                f"{longest + 1} 行目は {length:,} トークンありますが、モデルが一度に読めるのは {context:,} トークンまでです",
            ),
            say(
                f"Set max_length={context} or less, or split the row.",
                f"max_length を {context} 以下にするか、行を分けてください。",
            ),
        )


def _check_cut(rows: list[tuple], config) -> None:
    """``max_length`` cuts rows silently; an answer beyond it is not learned."""
    if config.max_length is None or getattr(config, "packing", False):
        return
    start = getattr(config, "truncation_mode", "keep_start") == "keep_start"
    part = slice(None, config.max_length) if start else slice(-config.max_length, None)
    silent = [number for number, (_, labels) in enumerate(rows, 1) if _without_loss(labels[part])]
    longest = max(len(ids) for ids, _ in rows)
    if len(silent) == len(rows):
        raise BadInput(
            say(
                f"max_length={config.max_length} cuts away every answer: no token is left to learn from",
                f"max_length={config.max_length} では、すべての回答が切り落とされ、学習するトークンが残りません",
            ),
            say(
                f"The longest row has {longest:,} tokens; set max_length to that.",
                f"最も長い行は {longest:,} トークンです。max_length をこの値にしてください。",
            ),
        )
    cut = sum(len(ids) > config.max_length for ids, _ in rows)
    if cut:
        warnings.warn(
            say(
                f"max_length={config.max_length} cuts {cut} of {len(rows)} rows, and {len(silent)} of them "
                f"lose their whole answer; the longest has {longest:,} tokens",
                f"max_length={config.max_length} では、{len(rows)} 行中 {cut} 行が途中で切れ、うち {len(silent)} 行は回答がすべて失われます。最も長い行は {longest:,} トークンです",
            ),
            stacklevel=2,
        )


def _without_loss(labels: list[int]) -> bool:
    return all(label == IGNORED for label in labels)


def _check_end(rows: list[tuple], tokenizer, model) -> None:
    """Some row must carry loss on a token at which generation ends, or the model never stops."""
    ends = getattr(getattr(model, "generation_config", None), "eos_token_id", None)
    ends = tokenizer.eos_token_id if ends is None else ends
    ends = set(ends if isinstance(ends, list) else [ends]) - {None}
    if ends and not any(ends & set(labels) for _, labels in rows):
        names = ", ".join(map(repr, tokenizer.convert_ids_to_tokens(sorted(ends))))
        raise BadInput(
            say(
                f"no row teaches the model to stop: the end token {names} carries no loss anywhere",
                f"どの行も終わり方を教えていません。終了トークン {names} にまったく損失がかかりません",
            ),
            say(
                "Set SFTConfig(eos_token=...) to the token that ends a turn in the chat template.",
                "SFTConfig(eos_token=...) に、チャットテンプレートで発言の終わりを表すトークンを指定してください。",
            ),
        )
    if tokenizer.pad_token_id is not None and tokenizer.pad_token_id == tokenizer.eos_token_id:
        warnings.warn(
            say(
                "the padding token is the end token: TRL's collator keeps the end's label, the one of "
                "transformers (DataCollatorForLanguageModeling) takes it away",
                "パディングトークンと終了トークンが同じです。TRL のコレーターは終了トークンのラベルを残しますが、transformers のもの（DataCollatorForLanguageModeling）は消してしまいます",
            ),
            stacklevel=2,
        )
