"""Talk to what you trained: the base and the tuned model answer the same message side by side."""

from pathlib import Path

from lab_helpers.models.adapters import load_base_with_adapter
from lab_helpers.models.generation import generate, make_conversation
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
            raise BadInput(
                say("the message is empty", "メッセージが空です"),
                say("Write a question.", "質問を書いてください。"),
            )
        conversation = [make_conversation(message.strip(), self.system)]
        self._check_length(conversation[0])
        with self.model.disable_adapter():
            base = self._answer(conversation)
        return {"base": base, "tuned": self._answer(conversation)}

    def _answer(self, conversation) -> str:
        replies = generate(
            self.model, self.tokenizer, conversation, max_new_tokens=self.max_new_tokens
        )
        return replies.texts[0]

    def _check_length(self, conversation) -> None:
        ids = self.tokenizer.apply_chat_template(
            conversation, add_generation_prompt=True, return_dict=True
        )["input_ids"]
        room = self.model.config.max_position_embeddings - self.max_new_tokens
        if len(ids) > room:
            raise BadInput(
                say(
                    f"the message has {len(ids)} tokens and the model has room for {room}",
                    f"メッセージが {len(ids)} トークンありますが、モデルに渡せるのは {room} トークンまでです",
                ),
                say("Write a shorter one.", "短くしてください。"),
            )
