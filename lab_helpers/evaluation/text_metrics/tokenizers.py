"""What counts as a word: the step that decides a text metric before it is computed.

Japanese has no spaces between words. rouge_score's default tokenizer keeps nothing but ``a-z0-9`` and
so sees an empty text; sacrebleu's default, 13a, sees one long word a clause. MeCab with the IPA
dictionary (both installed with the course, nothing is downloaded) cuts Japanese into words.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

from lab_helpers.runtime.errors import BadInput, MissingDependency
from lab_helpers.runtime.language import say

Tokenize = Callable[[str], list[str]]
"""A text as a list of tokens."""

SACREBLEU_NAMES = {"en": "13a", "ja": "ja-mecab"}
"""What sacrebleu calls the tokenizer of each language: ``BLEU(tokenize=SACREBLEU_NAMES["ja"])``."""


def for_language(language: str) -> Tokenize:
    """Words of a language: sacrebleu's 13a for ``"en"``, MeCab's for ``"ja"``. For BLEU and METEOR."""
    if language not in SACREBLEU_NAMES:
        raise BadInput(
            say(
                f"no tokenizer for language '{language}'",
                f"言語「{language}」のトークナイザーはありません",
            ),
            say("Use en or ja.", "en か ja を指定してください。"),
        )
    return japanese_words if language == "ja" else sacrebleu_words(SACREBLEU_NAMES[language])


def rouge_words(language: str, stem: bool = False) -> Tokenize:
    """Words for ROUGE: rouge_score's own for ``"en"`` (``stem``: Porter stems), MeCab's for ``"ja"``."""
    if language == "ja":
        return japanese_words
    if language != "en":
        raise BadInput(
            say(
                f"no tokenizer for language '{language}'",
                f"言語「{language}」のトークナイザーはありません",
            ),
            say("Use en or ja.", "en か ja を指定してください。"),
        )
    from rouge_score.tokenizers import DefaultTokenizer

    return DefaultTokenizer(use_stemmer=stem).tokenize


@dataclass(frozen=True)
class ForRouge:
    """Any tokenize function as rouge_score wants it: ``RougeScorer([…], tokenizer=ForRouge(japanese_words))``."""

    words: Tokenize

    def tokenize(self, text: str) -> list[str]:
        return self.words(text)


@lru_cache
def sacrebleu_words(name: str) -> Tokenize:
    """One of sacrebleu's tokenizers by its name (``13a``, ``char``, ``intl``, ``ja-mecab``, …)."""
    from sacrebleu.metrics import BLEU

    if name == "ja-mecab":
        return japanese_words
    if name not in BLEU.TOKENIZERS:
        known = ", ".join(sorted(BLEU.TOKENIZERS))
        raise BadInput(
            say(
                f"sacrebleu has no tokenizer '{name}'",
                f"sacrebleu に「{name}」というトークナイザーはありません",
            ),
            say(f"Use one of: {known}.", f"次のいずれかを指定してください: {known}。"),
        )
    tokenizer = BLEU(tokenize=name).tokenizer
    return lambda text: tokenizer(text.rstrip()).split()


def characters(text: str) -> list[str]:
    """Every character that is not white space."""
    return list("".join(text.split()))


def japanese_words(text: str) -> list[str]:
    """MeCab's words with the IPA dictionary, the same as sacrebleu's ``ja-mecab``.

    Raises :class:`MissingDependency` where mecab-python3 or ipadic is not installed.
    """
    return _tagger().parse(text.strip()).split()


@lru_cache(maxsize=1)
def _tagger():
    try:
        import ipadic
        import MeCab

        return MeCab.Tagger(f"{ipadic.MECAB_ARGS} -Owakati")
    except (ImportError, RuntimeError) as error:
        raise MissingDependency(
            say(
                f"Japanese words need MeCab and the IPA dictionary ({str(error).splitlines()[0]})",
                f"日本語の単語分割には MeCab と IPA 辞書が必要です（{str(error).splitlines()[0]}）",
            ),
            say(
                "pip install mecab-python3 ipadic. Or compare characters: tokenizers.characters.",
                "pip install mecab-python3 ipadic でインストールしてください。tokenizers.characters で文字単位の比較もできます。",
            ),
        ) from None
