"""Figures of lab 05: lengths, log-ratios over the steps, the loss and its pull, memory by use."""

import numpy as np

from lab_helpers.figures.style import canvas, words

CHOSEN, REJECTED, NEUTRAL = "#1f6fb2", "#b2431f", "#8a8a8a"


def length_bias(ratios: dict[str, list[float]]):
    """Length of chosen over rejected by reason, a dot a pair; at the line both are equally long."""
    with canvas(width=6.0, height=0.5 * len(ratios) + 1.2) as (figure, axes):
        axis = axes[0][0]
        names = sorted(ratios)
        for place, name in enumerate(names):
            values = np.array(ratios[name])
            spread = np.linspace(-0.25, 0.25, len(values)) if len(values) > 1 else np.zeros(1)
            axis.plot(values, place + spread, ".", ms=3, color=CHOSEN, alpha=0.4)
            axis.plot([values.mean()], [place], "|", ms=22, mew=2, color="black")
        axis.axvline(1, color="black", lw=0.8, ls=":")
        axis.set_yticks(range(len(names)), names)
        axis.set(xlabel=words("length, chosen / rejected", "長さの比（chosen / rejected）"))
        axis.invert_yaxis()
        return figure


def ratios(curves: dict[str, list[tuple[int, float]]], title: str = ""):
    """Mean log-ratio of chosen and rejected answers against the reference, step by step."""
    with canvas(width=5.2) as (figure, axes):
        _draw_ratios(axes[0][0], curves, title)
        return figure


def displacement(curves: dict[str, dict[str, list[tuple[int, float]]]]):
    """The same, one panel an arm, on one scale."""
    with canvas(len(curves), width=4.2) as (figure, axes):
        values = [y for arm in curves.values() for side in arm.values() for _, y in side]
        for axis, (name, arm) in zip(axes[0], curves.items(), strict=True):
            _draw_ratios(axis, arm, name)
            axis.set_ylim(min(0, *values) * 1.05 - 0.5, max(0, *values) * 1.05 + 0.5)
        return figure


def _draw_ratios(axis, curves: dict[str, list[tuple[int, float]]], title: str) -> None:
    for side, colour in (("chosen", CHOSEN), ("rejected", REJECTED)):
        axis.plot(*zip(*curves[side], strict=True), color=colour, marker="o", ms=3, label=side)
    axis.axhline(0, color="black", lw=0.8, ls=":")
    axis.set(
        title=title,
        xlabel=words("step", "ステップ"),
        ylabel=words("log π − log π_ref", "log π − log π_ref"),
    )
    axis.legend(frameon=False)


def reply_lengths(rows: list[dict]):
    """Mean length of the replies after each arm; the line is the SFT model."""
    with canvas(width=5.6) as (figure, axes):
        axis = axes[0][0]
        names = [row["arm"] for row in rows]
        values = [row["characters"] for row in rows]
        colours = [NEUTRAL, REJECTED, *[CHOSEN] * (len(rows) - 2)]
        axis.bar(names, values, color=colours, width=0.6)
        axis.axhline(values[0], color="black", lw=0.8, ls=":")
        for i, row in enumerate(rows):
            axis.annotate(f"× {row['ratio']:.2f}", (i, row["characters"]), (0, 3), textcoords="offset points", ha="center")  # fmt: skip
        axis.set_ylabel(words("characters a reply", "回答あたりの文字数"))
        return figure


def memory(rows: list[dict]):
    """Megabytes held, by use, a bar an arrangement."""
    uses = {"policy": CHOSEN, "reference": NEUTRAL, "gradients": "#c79a1b", "optimizer": REJECTED}
    labels = {
        "policy": words("policy", "ポリシー"),
        "reference": words("other models", "ほかのモデル"),
        "gradients": words("gradients", "勾配"),
        "optimizer": words("optimizer", "オプティマイザー"),
    }
    with canvas(width=7.0, height=0.5 * len(rows) + 1.2) as (figure, axes):
        axis = axes[0][0]
        names = [f"{row['method']} ({row['models']})" for row in rows]
        left = np.zeros(len(rows))
        for use, colour in uses.items():
            width = np.array([row[f"{use} MB"] for row in rows])
            axis.barh(names, width, left=left, color=colour, label=labels[use])
            left += width
        axis.set_xlabel(words("MB held (models in brackets)", "保持する MB(括弧内はモデル数)"))
        axis.invert_yaxis()
        axis.legend(frameon=False, fontsize=8)
        return figure


def loss_explorer(beta: float, chosen_ratio: float, rejected_ratio: float):
    """DPO's loss and the pull of one pair, with its two implicit rewards.

    Left -log σ(z) over the reward margin z, the pair's place marked; middle the weight σ(-z) of its
    gradient; right β times each log-ratio.
    """
    margin = beta * (chosen_ratio - rejected_ratio)
    z = np.linspace(-6, 6, 200)
    loss, pull = np.logaddexp(0, -z), 1 / (1 + np.exp(z))
    here = float(np.clip(margin, -6, 6))
    with canvas(3, width=3.4) as (figure, axes):
        left, middle, right = axes[0]
        for axis, values, title, at in (
            (left, loss, words("loss", "損失"), float(np.logaddexp(0, -margin))),
            (middle, pull, words("pull: weight of the gradient", "勾配の重み"), float(1 / (1 + np.exp(margin)))),
        ):  # fmt: skip
            axis.plot(z, values, color=CHOSEN)
            axis.plot([here], [np.interp(here, z, values)], "o", ms=9, color=REJECTED)
            axis.set(title=f"{title}: {at:.3f}", xlabel=words("reward margin", "報酬の差"))
        left.axhline(np.log(2), color="black", lw=0.8, ls=":")
        rewards = [beta * chosen_ratio, beta * rejected_ratio]
        right.bar(["chosen", "rejected"], rewards, color=[CHOSEN, REJECTED], width=0.6)
        right.axhline(0, color="black", lw=0.8)
        right.set(title=f"{words('implicit rewards, margin', '暗黙の報酬、差')} {margin:.2f}", ylim=(-6, 6))  # fmt: skip
        return figure
