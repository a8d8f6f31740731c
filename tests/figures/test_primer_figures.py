"""The first pictures of lab 00: what they show stands in them, in the learner's language, without missing glyphs."""

import pytest

from lab_helpers.figures import primer
from lab_helpers.figures.display import png
from lab_helpers.runtime.language import LANGUAGES, speaking


def words_of(figure) -> str:
    return " ".join(
        text.get_text() for text in figure.findobj(match=lambda a: hasattr(a, "get_text"))
    )


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_pictures_say_what_they_show(language, recwarn):
    with speaking(language):
        guesses = primer.next_tokens([(" was", 0.9), ("花", 0.1)], "The kettle")
        losses = primer.token_losses(["kettle", "朝"], [2.0, 4.0])
        block = primer.block({"embedding": 1_310_720, "attention": 7, "MLP": 8})
        for figure in (guesses, losses, block):
            assert png(figure)
    assert "0.90" in words_of(guesses)
    assert "The kettle" in words_of(guesses)
    assert "3.00" in words_of(losses), "the mean of the tokens' losses"
    assert "1,310,720" in words_of(block)
    assert {"en": "attention", "ja": "アテンション"}[language] in words_of(block)
    assert not [w for w in recwarn if "Glyph" in str(w.message)]
