"""Talk to what you trained: the base and the tuned model answer the same message side by side."""

from collections.abc import Iterable
from pathlib import Path

from lab_helpers.models.adapters import load_base_with_adapter
from lab_helpers.models.generation import asked, generate
from lab_helpers.runtime.errors import BadInput
from lab_helpers.runtime.language import say


class SideBySide:
    """One model with an adapter that is switched off for the base's answer and on for the tuned one's."""

    def __init__(self, model, tokenizer, system: str | None = None, max_new_tokens: int = 96):
        self.model, self.tokenizer = model, tokenizer
        self.system, self.max_new_tokens = system, max_new_tokens

    @classmethod
    def load(cls, name: str, adapter: Path, **options) -> "SideBySide":
        """From the name of a base and the folder of its adapter."""
        return cls(*load_base_with_adapter(name, adapter), **options)

    def ask(self, message: str) -> dict[str, str]:
        """``{"base": …, "tuned": …}``; an empty message and one beyond the context are refused."""
        if not message.strip():
            raise BadInput("the message is empty", "Write a question.")
        conversation = [asked(message.strip(), self.system)]
        self._fits(conversation[0])
        with self.model.disable_adapter():
            base = self._answer(conversation)
        return {"base": base, "tuned": self._answer(conversation)}

    def _answer(self, conversation) -> str:
        replies = generate(
            self.model, self.tokenizer, conversation, max_new_tokens=self.max_new_tokens
        )
        return replies.texts[0]

    def _fits(self, conversation) -> None:
        ids = self.tokenizer.apply_chat_template(
            conversation, add_generation_prompt=True, return_dict=True
        )["input_ids"]
        room = self.model.config.max_position_embeddings - self.max_new_tokens
        if len(ids) > room:
            raise BadInput(
                f"the message has {len(ids)} tokens and the model has room for {room}",
                "Write a shorter one.",
            )


def chat(chatting: SideBySide, messages: Iterable[str], console, as_json: bool = False) -> None:
    """Answer each message on ``console``; one that is refused is told, and the next one comes."""
    import json

    for message in messages:
        try:
            replies = chatting.ask(message)
        except BadInput as error:
            console.print(f"[yellow]{error}[/]")
            continue
        if as_json:
            print(json.dumps({"message": message, **replies}, ensure_ascii=False), flush=True)
        else:
            console.print(_columns(replies))


def _columns(replies: dict[str, str]):
    from rich.table import Table
    from rich.text import Text

    table = Table(expand=True, show_lines=False)
    for heading in (say("base", "ベース"), say("tuned", "調整後")):
        table.add_column(heading, ratio=1)
    table.add_row(Text(replies["base"]), Text(replies["tuned"]))
    return table


def typed(console) -> Iterable[str]:
    """What a person types, line by line, until an empty line or the end of the input."""
    console.print(say("An empty line ends the chat.", "空行で終了します。"))
    while True:
        try:
            line = console.input("> ")
        except EOFError:
            return
        if not line.strip():
            return
        yield line
