"""Pictures of Kotori's making: the loss and skills over training, and the heads it starts with."""

import numpy as np

from lab_helpers.figures.style import canvas, words
from lab_helpers.runtime.lexicon import term

_STYLES = {"_en": "-", "_ja": "--"}
_COLOURS = {"repetition": "#8a8a8a", "known_facts": "#b2431f", "copy_1": "#1f6fb2", "copy_4": "#8a4fb0"}  # fmt: skip


def training_curve(curve: dict):
    """Loss by tokens, and beside it the watched skills; ``curve`` is ``training_curve.json``."""
    loss, skills = curve["loss"], curve["skills"]
    millions = words("million tokens", "百万トークン")
    with canvas(2, width=5.4, height=3.6) as (figure, axes):
        left, right = axes[0]
        tokens = np.array(loss["tokens"]) / 1e6
        left.plot(tokens, loss["loss"], color="#8a8a8a", lw=0.5, alpha=0.6)
        left.plot(tokens, _smooth(np.array(loss["loss"])), color="#1f6fb2")
        left.set(xlabel=millions, ylabel=words("loss", "損失"), ylim=(0, 7))
        for name, values in skills.items():
            if name in ("step", "tokens", "seconds"):
                continue
            stem, ending = (name[:-3], name[-3:]) if name[-3:] in _STYLES else (name, "_en")
            right.plot(
                np.array(skills["tokens"]) / 1e6,
                values,
                _STYLES[ending],
                color=_COLOURS[stem],
                label=_skill_name(name, stem, ending),
            )
        right.set(xlabel=millions, ylabel=words("share right", "正解率"), ylim=(0, 1.02))
        if skills:
            right.legend(frameon=False, fontsize=7)
        return figure


def _skill_name(name: str, stem: str, ending: str) -> str:
    """``known_facts_ja`` as the curve's label; in English its own name."""
    language = "日本語" if ending == "_ja" else "英語"
    return words(name, f"{term(stem)}（{language}）")


def _smooth(values: np.ndarray, window: int = 9) -> np.ndarray:
    """Running mean; the ends use what there is."""
    return np.array(
        [values[max(0, i - window) : i + window + 1].mean() for i in range(len(values))]
    )


def induction_head(previous: np.ndarray, induction: np.ndarray, tokens: list[str]):
    """Attention of the two heads that copying needs, (n, n) each, on a text that repeats itself."""
    titles = (
        words("layer 0: which token stood before?", "第 0 層: 直前のトークンはどれか"),
        words("layer 1: where did this stand, one on?", "第 1 層: 同じトークンの次はどこか"),
    )
    with canvas(2, width=4.4, height=4.2) as (figure, axes):
        for axis, title, weights in zip(axes[0], titles, (previous, induction), strict=True):
            axis.imshow(weights, cmap="Blues", vmin=0, vmax=1)
            axis.set_title(title, fontsize=9)
            axis.set_xticks(range(len(tokens)), tokens, rotation=90, fontsize=7)
            axis.set_yticks(range(len(tokens)), tokens, fontsize=7)
            axis.grid(False)
        axes[0][0].set(xlabel=words("is read", "読まれる側"), ylabel=words("reads", "読む側"))
        return figure
