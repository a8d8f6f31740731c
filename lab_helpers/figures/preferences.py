"""Figures of lab 05: the way to DPO, lengths, displacement, the loss and its pull, memory by use."""

import numpy as np

from lab_helpers.figures.style import canvas, words
from lab_helpers.runtime.lexicon import term

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
        axis.set_yticks(range(len(names)), [term(name) for name in names])
        axis.set(xlabel=words("length, chosen / rejected", "長さの比（chosen / rejected）"))
        axis.invert_yaxis()
        return figure


def from_preferences_to_dpo(reward, reference, betas: tuple[float, float]):
    """The way to DPO in three pictures, on a prompt with a handful of possible answers.

    Left Bradley-Terry: the chance that the first of two answers is preferred, over their rewards'
    difference. Middle the reference and the two policies that are best for ``betas`` (small: free, large:
    held). Right the step that DPO takes: β log π*/π_ref gives the rewards back but for one constant.
    """
    reward, reference = np.asarray(reward, float), np.asarray(reference, float)
    gap = np.linspace(-5, 5, 100)
    names = [chr(ord("A") + i) for i in range(len(reward))]
    with canvas(3, width=3.7) as (figure, axes):
        left, middle, right = axes[0]
        left.plot(gap, 1 / (1 + np.exp(-gap)), color=CHOSEN)
        left.axhline(0.5, color="black", lw=0.8, ls=":")
        left.set(
            title=words("1 Bradley-Terry: σ(difference)", "1 Bradley-Terry: σ(報酬の差)"),
            xlabel=words("reward of A − reward of B", "A の報酬 − B の報酬"),
            ylabel=words("chance that A is preferred", "A が好まれる確率"),
        )
        place = np.arange(len(reward))
        middle.bar(place - 0.27, reference, 0.26, color=NEUTRAL, label="π_ref")
        right.plot([reward.min(), reward.max()], [reward.min(), reward.max()], color="black", lw=0.8, ls=":")  # fmt: skip
        for k, (beta, colour) in enumerate(zip(betas, (REJECTED, CHOSEN), strict=True)):
            best = reference * np.exp(reward / beta)
            best /= best.sum()
            middle.bar(place + 0.27 * k, best, 0.26, color=colour, label=f"π*, β = {beta:g}")
            back = beta * np.log(best / reference)
            right.plot(reward, back, "o-", color=colour, label=f"β = {beta:g}")
        middle.set_xticks(place, [f"{n}\n{r:g}" for n, r in zip(names, reward, strict=True)])
        middle.set(
            title=words("2 the best policy", "2 最良の方策"),
            xlabel=words("answer and its reward", "回答とその報酬"),
            ylabel=words("probability", "確率"),
        )
        middle.legend(frameon=False, fontsize=8)
        right.set(
            title=words("3 turned round", "3 逆に解く"),
            xlabel=words("reward", "報酬"),
            ylabel="β log π*/π_ref",
        )
        right.legend(frameon=False, fontsize=8)
        return figure


def displacement(curves: dict[str, dict[str, list[float]]]):
    """Each arm's path: how far the chosen answers moved, over the margin that was reached; a dot a look.

    Below the dotted line the chosen answers are less likely than before the first step.
    """
    with canvas(width=6.4, height=3.8) as (figure, axes):
        axis = axes[0][0]
        for name, curve in curves.items():
            kind = name.split(", ")[0]
            colour = "#3a8f5c" if "sft" in name else REJECTED if kind == "alike" else CHOSEN
            margin = [a - b for a, b in zip(curve["chosen"], curve["rejected"], strict=True)]
            fast = "sft" in name or name.split(", ")[1] == max(n.split(", ")[1] for n in curves)
            label = ", ".join(term(part) for part in name.split(", "))
            axis.plot(margin, curve["chosen"], color=colour, marker="o", ms=3, ls="-" if fast else "--", label=label)  # fmt: skip
        axis.axhline(0, color="black", lw=0.8, ls=":")
        axis.set(
            xlabel=words("margin: chosen − rejected, nats", "マージン: chosen − rejected（nat）"),
            ylabel=words("log π − log π_ref of chosen", "chosen の log π − log π_ref"),
        )
        axis.legend(frameon=False, fontsize=8)
        return figure


def reply_lengths(rows: list[dict]):
    """Difference in length from the SFT model, replies that ended, with its interval; beside it the cut off."""
    with canvas(2, width=4.4) as (figure, axes):
        left, right = axes[0]
        arms = [row for row in rows[1:] if row["interval"]]
        for place, row in enumerate(arms):
            low, high = row["interval"]
            left.plot([place, place], [low, high], color=CHOSEN, lw=2)
            left.plot([place], [row["difference"]], "o", color=CHOSEN)
        left.axhline(0, color="black", lw=0.8, ls=":")
        left.set_xticks(range(len(arms)), [term(row["arm"]) for row in arms], fontsize=8)
        left.set_ylabel(words("characters more than SFT (95 %)", "SFT より増えた文字数（95 %）"))
        right.bar([term(row["arm"]) for row in rows], [row["cut off"] for row in rows], color=REJECTED, width=0.6)  # fmt: skip
        right.tick_params(axis="x", labelsize=8)
        right.set_ylim(0, max(5, *(row["cut off"] for row in rows)))
        right.set_ylabel(words("replies cut off", "打ち切られた回答の数"))
        return figure


def memory(rows: list[dict]):
    """Megabytes held, by use, a bar an arrangement."""
    uses = {"policy": CHOSEN, "reference": NEUTRAL, "gradients": "#c79a1b", "optimizer": REJECTED}
    labels = {
        "policy": words("policy", "方策"),
        "reference": words("other models", "ほかのモデル"),
        "gradients": words("gradients", "勾配"),
        "optimizer": words("optimizer", "オプティマイザー"),
    }
    with canvas(width=7.0, height=0.5 * len(rows) + 1.2) as (figure, axes):
        axis = axes[0][0]
        names = [f"{term(row['method'])} ({row['models']})" for row in rows]
        left = np.zeros(len(rows))
        for use, colour in uses.items():
            width = np.array([row[f"{use} MB"] for row in rows])
            axis.barh(names, width, left=left, color=colour, label=labels[use])
            left += width
        axis.set_xlabel(words("MB held (models in brackets)", "保持する MB（括弧内はモデル数）"))
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
            axis.set(title=f"{title}: {at:.3f}", xlabel=words("reward margin", "報酬のマージン"))
        left.axhline(np.log(2), color="black", lw=0.8, ls=":")
        rewards = [beta * chosen_ratio, beta * rejected_ratio]
        right.bar(["chosen", "rejected"], rewards, color=[CHOSEN, REJECTED], width=0.6)
        right.axhline(0, color="black", lw=0.8)
        right.set(title=f"{words('implicit rewards, margin', '暗黙の報酬、マージン')} {margin:.2f}", ylim=(-6, 6))  # fmt: skip
        return figure
