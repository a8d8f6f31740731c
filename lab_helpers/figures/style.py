"""One look for all figures, with a font that has Japanese where the learner reads Japanese."""

from contextlib import contextmanager

COLOURS = {
    "pretrained": "#1f6fb2",
    "full": "#1f6fb2",
    "scratch": "#b2431f",
    "probe": "#3a8f5c",
    "probe on MiniLM": "#3a8f5c",
    "probe on multilingual E5": "#1f6fb2",
    "TF-IDF": "#8a8a8a",
    "CRF": "#8a8a8a",
    "lora": "#8a4fb0",
    "replay": "#c79a1b",
    "adapter": "#8a4fb0",
    "zero-shot": "#8a8a8a",
    "few-shot": "#3a8f5c",
    "q, v": "#8a8a8a",
    "MLP": "#3a8f5c",
    "all linear": "#8a4fb0",
}
_OTHER = "#444444"


def colour(method: str) -> str:
    return COLOURS.get(method, _OTHER)


def words(en: str, ja: str) -> str:
    """A label in the learner's language."""
    from lab_helpers.runtime.language import say

    return say(en, ja)


@contextmanager
def canvas(columns: int = 1, rows: int = 1, width: float = 4.6, height: float = 3.2, texts=()):
    """A figure and its axes (an array when there are several), styled; closed in pyplot at the end.

    ``texts`` are words that the learner brings: if they have Japanese, so has the font, in English too.
    """
    import matplotlib

    if words("en", "ja") == "ja" or any(ord(c) > 0x2FFF for text in texts for c in text):
        import matplotlib_fontja

        matplotlib_fontja.japanize()
    import matplotlib.pyplot as plt

    settings: dict = {
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.grid": True,
        "grid.alpha": 0.25,
    }
    with matplotlib.rc_context(settings):
        figure, axes = plt.subplots(
            rows,
            columns,
            figsize=(width * columns, height * rows),
            layout="constrained",
            squeeze=False,
        )
        try:
            yield figure, axes
        finally:
            plt.close(figure)
