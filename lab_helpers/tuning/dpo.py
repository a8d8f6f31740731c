"""Preference training through TRL with the learner's own ``LoraConfig`` and ``DPOConfig``."""

import copy
import warnings

from lab_helpers.runtime.errors import BadInput
from lab_helpers.runtime.language import say
from lab_helpers.runtime.seeds import seed_everything
from lab_helpers.tuning.adapter_checks import check_adapter
from lab_helpers.tuning.pairs import preference_pairs, tokenize_pair
from lab_helpers.tuning.preflight import check_learning_rate


def dpo_trainer(
    model, tokenizer, pairs: list[dict], config, adapter=None, *, evaluation=None, reference=None
):
    """A checked :class:`trl.DPOTrainer`; ``adapter`` is a PEFT configuration or ``None``.

    ``pairs`` have ``prompt``, ``chosen`` and ``rejected``, as texts or turns. The reference is, in
    this order: ``reference``, a model of its own; with an ``adapter``, ``model`` with the adapter
    switched off; for a ``PeftModel``, a frozen copy of its adapter; else a copy of ``model`` as it
    is now. Hand it to ``lab.train``, or to :func:`~lab_helpers.tuning.trainers.run_trainer`.
    """
    from datasets import Dataset
    from trl import DPOTrainer

    if not pairs:
        raise BadInput(
            say("there are no pairs to train on", "学習に使う組がありません"),
            say("Give at least one.", "1 組以上渡してください。"),
        )
    rows = preference_pairs(pairs)
    held_out = preference_pairs(evaluation) if evaluation else None
    check_learning_rate(config)
    check_models(model, adapter, reference)
    check_lengths(rows, tokenizer, config, model)
    seed_everything(config.seed)  # the adapter's first weights are drawn before the trainer seeds
    try:
        return DPOTrainer(
            model,
            ref_model=reference or _copy_where_needed(model, config, adapter),
            args=config,
            train_dataset=Dataset.from_list(rows, on_mixed_types="use_json"),
            eval_dataset=Dataset.from_list(held_out, on_mixed_types="use_json")
            if held_out
            else None,
            processing_class=tokenizer,
            peft_config=adapter,
        )
    except (ValueError, NotImplementedError) as error:
        raise BadInput(
            say(f"DPOTrainer: {error}", f"DPOTrainer のエラーです: {error}"),
            say("Change that setting.", "その設定を変えてください。"),
        ) from None


def _copy_where_needed(model, config, adapter):
    """A copy of the whole model, where nothing else can be the reference.

    Left alone, TRL loads the reference from where ``model`` was once loaded from: of a model that was
    tuned in memory since, that is the state *before* the tuning.
    """
    from peft import PeftModel

    if adapter is not None or isinstance(model, PeftModel) or config.precompute_ref_log_probs:
        return None
    return copy.deepcopy(model).eval().requires_grad_(False)


def check_models(model, adapter, reference) -> None:
    """Policy, adapter and reference must fit each other."""
    from peft import PeftModel

    if adapter is not None:
        if isinstance(model, PeftModel):
            raise BadInput(
                say(
                    "the model has an adapter already, and a new one is wanted on top",
                    "モデルにはすでにアダプターが付いていますが、さらに新しいアダプターが指定されています",
                ),
                say(
                    "Merge the first one: model.merge_and_unload(). Or leave adapter out to go on training it.",
                    "先のアダプターを model.merge_and_unload() でマージしてください。学習を続けるだけなら、adapter を指定しないでください。",
                ),
            )
        check_adapter(adapter, model)
    elif not any(weight.requires_grad for weight in model.parameters()):
        raise BadInput(
            say("no weight of the model is trainable", "モデルに学習できる重みがありません"),
            say(
                "A merged or loaded model stays frozen: model.requires_grad_(True), or give an adapter.",
                "マージや読み込みの直後、重みは凍結されたままです。model.requires_grad_(True) を呼ぶか、アダプターを指定してください。",
            ),
        )
    if reference is None:
        return
    sizes = [m.get_input_embeddings().weight.shape[0] for m in (model, reference)]
    if sizes[0] != sizes[1]:
        raise BadInput(
            say(
                f"the reference has a vocabulary of {sizes[1]:,} tokens, the model of {sizes[0]:,}",
                f"参照モデルの語彙は {sizes[1]:,} トークン、モデルの語彙は {sizes[0]:,} トークンで、一致しません",
            ),
            say(
                "Their log-probabilities cannot be compared: take the same base for both.",
                "このままでは対数確率を比べられません。両方に同じベースモデルを使ってください。",
            ),
        )


def check_lengths(rows: list[dict], tokenizer, config, model) -> None:
    """Pairs that ``max_length`` or the model's context would empty, or make equal."""
    whole = [tokenize_pair(tokenizer, row) for row in rows]
    longest = max(len(t.prompt) + max(len(t.chosen), len(t.rejected)) for t in whole)
    context = getattr(model.config, "max_position_embeddings", None)
    kept = longest if config.max_length is None else min(longest, config.max_length)
    if context and kept > context:
        raise BadInput(
            say(
                f"the longest pair has {longest:,} tokens, and the model reads {context:,} at once",
                f"最も長い組は {longest:,} トークンありますが、モデルが一度に読めるのは {context:,} トークンまでです",
            ),
            say(
                f"Set max_length={context} or less, or take long pairs out.",
                f"max_length を {context} 以下にするか、長い組を取り除いてください。",
            ),
        )
    cut = [t.cut(config.max_length) for t in whole]
    empty = sum(not (t.chosen and t.rejected) for t in cut)
    alike = sum(t.chosen == t.rejected for t in cut) - sum(
        not (t.chosen or t.rejected) for t in cut
    )
    useless = empty + alike
    if useless == len(rows):
        raise BadInput(
            say(
                f"max_length={config.max_length} leaves nothing to compare in any pair",
                f"max_length={config.max_length} では、どの組にも比べる部分が残りません",
            ),
            say(
                f"Prompt and answer together have up to {longest:,} tokens; set max_length to that.",
                f"プロンプトと回答を合わせた長さは最大 {longest:,} トークンです。max_length をこの値にしてください。",
            ),
        )
    if useless:
        warnings.warn(
            say(
                f"max_length={config.max_length} leaves nothing to compare in {useless} of {len(rows)} "
                f"pairs; the longest has {longest:,} tokens",
                f"max_length={config.max_length} では、{len(rows)} 組中 {useless} 組で比べる部分が残りません。最も長い組は {longest:,} トークンです",
            ),
            stacklevel=2,
        )
