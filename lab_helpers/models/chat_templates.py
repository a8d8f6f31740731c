"""Chat templates that know no system message (Gemma 2, early Mistral): its text goes before the user's.

Done in the template, in memory, and not in each conversation: so it holds wherever a template is rendered,
in the course's replies, in TRL's trainers and in ``labs data check``.
"""

# Put before the model's own template. `set` inside an `if` changes the name for all that follows it.
_FOLD = (
    "{%- if messages and messages[0]['role'] == 'system' -%}"
    "{%- if messages[1:] and messages[1]['role'] == 'user' -%}"
    "{%- set messages = [{'role': 'user', 'content': "
    "messages[0]['content'] + '\\n\\n' + messages[1]['content']}] + messages[2:] -%}"
    "{%- else -%}"
    "{%- set messages = [{'role': 'user', 'content': messages[0]['content']}] + messages[1:] -%}"
    "{%- endif -%}{%- endif %}"
)
_MARK = "Hoshizora-7431"  # words that no template writes by itself


def fold_system_text(tokenizer) -> bool:
    """Let the template of ``tokenizer`` take a system message; whether that was needed.

    A template that refuses one is mended, and one that silently leaves its text out as well: then the
    model would never see the instruction. Templates by several names are left as they are.
    """
    template = tokenizer.chat_template
    if not isinstance(template, str) or takes_system_text(tokenizer):
        return False
    tokenizer.chat_template = _FOLD + template
    if takes_system_text(tokenizer):
        return True
    tokenizer.chat_template = template
    return False


def takes_system_text(tokenizer) -> bool:
    """Whether the words of a system message stand in what the template writes."""
    turns = [{"role": "system", "content": _MARK}, {"role": "user", "content": "?"}]
    try:
        return _MARK in tokenizer.apply_chat_template(turns, tokenize=False)
    except Exception:  # jinja has many
        return False
