"""Pictures of the first words: next tokens, the loss of each token, and where a model's weights are."""

from lab_helpers.figures.style import canvas, colour, words


def next_tokens(candidates: list[tuple[str, float]], text: str):
    """A bar a candidate: ``(token, probability)``, the most probable on top; ``text`` stands before them."""
    with canvas(width=5.4, height=2.4, texts=[text, *(t for t, _ in candidates)]) as (figure, axes):
        axis = axes[0][0]
        names = [f"“{token}”" for token, _ in candidates][::-1]
        values = [probability for _, probability in candidates][::-1]
        places = range(len(names))
        axis.barh(places, values, color=colour("pretrained"), height=0.65)
        for place, value in zip(places, values, strict=True):
            axis.text(value + 0.01, place, f"{value:.2f}", va="center", fontsize=8)
        axis.set_yticks(places, names)
        axis.set(
            xlim=(0, 1.08),
            xlabel=words("probability of the next token", "次のトークンの確率"),
            title=words(f"after “{text}”", f"「{text}」の次に来るもの"),
        )
        return figure


def token_losses(tokens: list[str], losses: list[float]):
    """A bar a token, −log of the probability that the model gave it; the dashed line is their mean."""
    with canvas(width=6.0, height=2.8, texts=tokens) as (figure, axes):
        axis = axes[0][0]
        places = range(len(tokens))
        axis.bar(places, losses, color=colour("lora"), width=0.65)
        mean = sum(losses) / len(losses)
        axis.axhline(mean, color="black", ls="--", lw=1)
        axis.set_xticks(places, [f"“{token}”" for token in tokens])
        axis.set(
            ylabel=words("−log probability", "−log 確率"),
            title=words(
                f"mean (dashed) = the loss: {mean:.2f}", f"平均（破線） = 損失: {mean:.2f}"
            ),
        )
        return figure


def block(groups: dict[str, int]):
    """A model as the course's labs speak of it; ``groups`` are parameters of embeddings, attention, MLP."""
    boxes = [
        ("embedding", words("embedding\ntoken → vector", "埋め込み\nトークン → ベクトル"), "probe"),
        ("attention", words("attention: q, k, v, o\nlook at earlier tokens", "アテンション: q, k, v, o\n前のトークンを見る"), "lora"),
        ("MLP", words("MLP: gate, up, down\nwork on each token alone", "MLP: gate, up, down\nトークンごとに計算する"), "pretrained"),
        ("head", words("head: vector → logits\n→ probabilities", "ヘッド: ベクトル → ロジット\n→ 確率"), "replay"),
    ]  # fmt: skip
    with canvas(width=9.4, height=2.0) as (figure, axes):
        axis = axes[0][0]
        for place, (name, text, method) in enumerate(boxes):
            count = f"\n{groups[name]:,}" if name in groups else ""
            axis.annotate(
                text + count,
                (place, 0.5),
                ha="center",
                va="center",
                fontsize=9,
                bbox={"boxstyle": "round,pad=0.5", "fc": "white", "ec": colour(method), "lw": 2},
            )
            if place:
                axis.annotate("", (place - 0.43, 0.5), (place - 0.57, 0.5), arrowprops={"arrowstyle": "->"})  # fmt: skip
        axis.annotate("", (0.55, 0.08), (2.45, 0.08), arrowprops={"arrowstyle": "-", "color": "#777777"})  # fmt: skip
        axis.text(1.5, 0.0, words("one layer, repeated", "これが 1 層。何層も繰り返す"), ha="center", va="top", fontsize=8)  # fmt: skip
        axis.set(xlim=(-0.5, 3.5), ylim=(-0.15, 1))
        axis.axis("off")
        return figure
