"""Models to compare: one base in memory, and adapters of it that are put on one at a time."""

from collections.abc import Iterator
from pathlib import Path

from lab_helpers.models.adapters import load_adapters
from lab_helpers.models.language_models import load_language_model
from lab_helpers.runtime.errors import BadInput
from lab_helpers.runtime.language import say

BASE = "base"


class ComparedModels:
    """``for name, model in models``: the base first, then the base with each adapter.

    The weights are held once; ``model`` is good until the next one comes. Made by :meth:`load`.
    """

    def __init__(self, model, tokenizer, keys: dict[str, str]):
        self.model, self.tokenizer, self._keys = model, tokenizer, keys

    @classmethod
    def load(cls, name: str, adapters: dict[str, Path], **options) -> "ComparedModels":
        """The base called ``name`` with ``{name: folder}``; ``options`` go to ``from_pretrained``."""
        if BASE in adapters:
            raise BadInput(
                say(
                    f"an adapter is called '{BASE}'", f"アダプターの名前が「{BASE}」になっています"
                ),
                say("Rename its folder.", "フォルダー名を変えてください。"),
            )
        base, tokenizer = load_language_model(name, **options)
        # PEFT makes module names of an adapter's name, which may have no dot in it.
        keys = {shown: f"candidate{number}" for number, shown in enumerate(adapters)}
        folders = {keys[shown]: folder for shown, folder in adapters.items()}
        return cls(load_adapters(base, folders), tokenizer, keys)

    @property
    def names(self) -> list[str]:
        return [BASE, *self._keys]

    def with_adapter(self, name: str):
        """The base with the adapter called ``name`` put on; good until another is asked for."""
        self.model.set_adapter(self._keys[name])
        return self.model

    def __iter__(self) -> Iterator[tuple[str, object]]:
        if not self._keys:
            yield BASE, self.model
            return
        with self.model.disable_adapter():
            yield BASE, self.model
        for name in self._keys:
            yield name, self.with_adapter(name)


def adapter_names(folders: list[Path]) -> dict[str, Path]:
    """Adapter folders by names to show: the folder's, with its parent's where that tells more."""
    found: dict[str, Path] = {}
    for folder in folders:
        place = folder.resolve()
        alike = [f for f in folders if f.resolve().name == place.name]
        plain = len(alike) == 1 and place.name != "adapter"
        found[place.name if plain else f"{place.parent.name}/{place.name}"] = folder
    if len(found) < len(folders):
        raise BadInput(
            say("two of the adapters have the same name", "同じ名前のアダプターが 2 つあります"),
            say(
                "Rename a folder, or give each only once.",
                "フォルダー名を変えるか、重複した指定を外してください。",
            ),
        )
    return found
