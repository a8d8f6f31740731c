"""Small random models of the real architectures, with a tokenizer trained here and a chat template."""

from pathlib import Path

SMALL = {
    "hidden_size": 64,
    "intermediate_size": 128,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "head_dim": 16,
    "max_position_embeddings": 512,
    "initializer_range": 0.2,
}
TALK = [
    "Thank you for writing to Hoshizora. The kettle holds 1.2 litres.",
    "Where is the filter? The filter is in the box.",
    "お問い合わせありがとうございます。やかんの容量は1.2リットルです。",
]
# The forms that the families' own templates write, with what their tokenizers add.
LLAMA3 = (
    "{{- bos_token }}{%- for m in messages %}"
    "{{- '<|start_header_id|>' + m['role'] + '<|end_header_id|>\n\n' + m['content'] + '<|eot_id|>' }}"
    "{%- endfor %}"
    "{%- if add_generation_prompt %}{{- '<|start_header_id|>assistant<|end_header_id|>\n\n' }}{%- endif %}"
)
GEMMA2 = (
    "{{- bos_token }}{%- for m in messages %}"
    "{%- if m['role'] == 'system' %}{{- raise_exception('System role not supported') }}{%- endif %}"
    "{%- set role = 'model' if m['role'] == 'assistant' else m['role'] %}"
    "{{- '<start_of_turn>' + role + '\n' + m['content'] + '<end_of_turn>\n' }}"
    "{%- endfor %}{%- if add_generation_prompt %}{{- '<start_of_turn>model\n' }}{%- endif %}"
)
CHATML = (
    "{%- for m in messages %}"
    "{{- '<|im_start|>' + m['role'] + '\n' + m['content'] + '<|im_end|>\n' }}"
    "{%- endfor %}{%- if add_generation_prompt %}{{- '<|im_start|>assistant\n' }}{%- endif %}"
)
MISTRAL = (
    "{{- bos_token }}{%- for m in messages %}"
    "{%- if m['role'] == 'user' %}{{- '[INST] ' + m['content'] + ' [/INST]' }}"
    "{%- else %}{{- m['content'] + eos_token }}{%- endif %}{%- endfor %}"
)
# family → special tokens (BOS, EOS, padding), template
FAMILIES = {
    "Llama": ("<|begin_of_text|>", "<|eot_id|>", "<|finetune_right_pad_id|>", LLAMA3),
    "Gemma2": ("<bos>", "<end_of_turn>", "<pad>", GEMMA2),
    "Qwen2": (None, "<|im_end|>", "<|endoftext|>", CHATML),
    "Qwen3": (None, "<|im_end|>", "<|endoftext|>", CHATML),
    "Mistral": ("<s>", "</s>", "<pad>", MISTRAL),
}
MARKS = ("<|start_header_id|>", "<|end_header_id|>", "<start_of_turn>", "<|im_start|>", "[INST]", "[/INST]")  # fmt: skip


def tokenizer_of(family: str, more: tuple[str, ...] = ()):
    """A byte-level BPE of 400 tokens with the family's special tokens, ``more`` of them, and chat template."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    bos, eos, pad, template = FAMILIES[family]
    special = [token for token in (pad, bos, eos, *more) if token]
    special += [mark for mark in MARKS if mark in template]
    plain = Tokenizer(models.BPE())
    plain.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    plain.decoder = decoders.ByteLevel()
    plain.train_from_iterator(
        TALK * 3,
        trainers.BpeTrainer(
            vocab_size=400,
            special_tokens=special,
            initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
            show_progress=False,
        ),
    )
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=plain, bos_token=bos, eos_token=eos, pad_token=pad, model_max_length=512
    )
    tokenizer.chat_template = template
    return tokenizer


def save_random_model(folder: Path, family: str, more: tuple[str, ...] = ()) -> Path:
    """A random model of ``family`` with its tokenizer in ``folder``, as a learner's own."""
    import torch
    import transformers

    tokenizer = tokenizer_of(family, more)
    ids = {
        name: getattr(tokenizer, name) for name in ("bos_token_id", "eos_token_id", "pad_token_id")
    }
    torch.manual_seed(1)
    config = getattr(transformers, f"{family}Config")(vocab_size=len(tokenizer), **SMALL, **ids)
    model = getattr(transformers, f"{family}ForCausalLM")(config)
    model.generation_config = transformers.GenerationConfig(max_new_tokens=16, **ids)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder
