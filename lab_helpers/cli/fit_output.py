"""``labs fit`` on the screen: a table of terms, the cards, and what to change."""

from lab_helpers.runtime.language import say


def show(found: dict) -> None:
    """The table of all plans, then settings, ways out and notes."""
    from rich.console import Console

    screen = Console()
    screen.print(_title(found), markup=False, highlight=False)
    screen.print(_table(found))
    for line in _lines(found):
        screen.print(line, markup=False, highlight=False)


def term_labels() -> dict[str, str]:
    """Names of all terms in the learner's language."""
    from lab_helpers.figures.quantization import term_names

    return term_names() | {
        "reference": say("reference model", "参照モデル"),
        "value_model": say("value model", "価値モデル"),
        "reward_model": say("reward model", "報酬モデル"),
        "kv_cache": say("cache of keys and values", "KV キャッシュ"),
        "generation": say("generation besides", "生成時のその他"),
    }


def _table(found: dict):
    from rich.table import Table

    from lab_helpers.tuning import memory

    plans = found["plans"]
    table = Table()
    table.add_column("GiB")
    for plan in plans:
        table.add_column(plan["plan"]["method"], justify="right")
    labels = term_labels()
    for term in plans[0]["terms"]:
        if any(plan["terms"][term] for plan in plans):
            table.add_row(labels[term], *(_gib(plan["terms"][term], 3) for plan in plans))
    table.add_section()
    for phase, label in _phase_labels(plans):
        table.add_row(label, *(_gib(plan["phases"][phase]) for plan in plans))
    together = say("together", "合計")
    table.add_row(together, *(f"[bold]{plan['gib']:.2f}[/]" for plan in plans))
    if any(plan["pageable"] for plan in plans):
        moved = (_gib(plan["pageable"], 3) for plan in plans)
        table.add_row(say("of it pageable", "うちページ化できる分"), *moved)
    for way, label in _way_labels().items():
        if way != _default_way(plans[0]) and all(way in plan["logits"] for plan in plans):
            table.add_row(label, *(f"{plan['logits'][way]:.2f}" for plan in plans))
    table.add_section()
    for gpu, gib in found["gpus"].items():
        needed = (memory.needed_gib(plan["terms"], plan["pageable"]) for plan in plans)
        yes, no = say("[green]fits[/]", "[green]載る[/]"), say("no", "不可")
        if not found["activations"]:
            yes = say("perhaps", "要確認")
        name = gpu if gpu.endswith("GiB") else f"{gpu} ({gib:g})"
        table.add_row(name, *(yes if one <= gib else no for one in needed))
    return table


def _title(found: dict) -> str:
    first = found["plans"][0]
    adapter = found["adapter"]
    name = f"{found['model']} → {adapter['base']}" if adapter else found["model"]
    title = f"{name}: {first['parameters']:,} " + say("parameters", "パラメータ")
    if first["active_parameters"] < first["parameters"]:
        active = f"{first['active_parameters']:,}"
        title += say(f", {active} of them active a token", f"（トークンごとに使うのは {active}）")
    return title


def _phase_labels(plans: list[dict]) -> list[tuple[str, str]]:
    if "generating" not in plans[0]["phases"]:
        return []
    return [
        ("generating", say("while generating", "生成中")),
        ("training", say("while training", "学習中")),
    ]


def _default_way(plan: dict) -> str:
    """How this plan's own numbers read the words' probabilities."""
    way = plan["plan"]["logits"]
    if way != "trl":
        return way
    return "full" if plan["plan"]["training"] == "ppo" else "fused"


def _way_labels() -> dict[str, str]:
    return {
        "fused": say("with a fused loss", "融合した損失なら"),
        "fused_torch": say("fused without Triton", "融合、Triton なしなら"),
        "full": say("with full logits", "ロジット全体を作るなら"),
    }


def _way_taken(plan: dict) -> str:
    """The loss of the settings' line; nothing for a reward model, which reads no words."""
    if not plan["logits"]:
        return ""
    names = {
        "fused": say("fused loss (TRL 1.16 on a GPU)", "融合した損失（GPU 上の TRL 1.16）"),
        "fused_torch": say("fused loss without Triton", "融合した損失（Triton なし）"),
        "full": say("full logits", "ロジット全体"),
    }
    return f", {names[_default_way(plan)]}"


def _gib(size: int, places: int = 2) -> str:
    from lab_helpers.tuning.memory import GIB

    return f"{size / GIB:.{places}f}" if size else "-"


def _lines(found: dict) -> list[str]:
    from lab_helpers.tuning import memory

    lines = [_settings(found)]
    if not found["activations"]:
        lines.append(
            say(
                "What lies still alone: a step's activations and generation are not counted.",
                "重みなど、ステップの間も置かれたままのものだけです。活性値と生成は計算していません。",
            )
        )
    for card, change in found["smaller"].items():
        lines.append(_way_out(card, change))
    lines += [f"{note}." if note.isascii() else note for note in found["notes"]]
    lines.append(say(f"Not counted: {memory.NOT_COUNTED}.", memory.NOT_COUNTED_JA))
    return lines


def _settings(found: dict) -> str:
    plan, adapter = found["plans"][0]["plan"], found["adapter"]
    if adapter:
        rank = f" r={adapter['r']}" if adapter["r"] else ""
        what = f"{adapter['kind']}{rank}, {adapter['targets']}"
    else:
        what = f"r={plan['r']}, {plan['targets']}"
    length = f"{plan['batch']} × {plan['sequence']}"
    if plan["training"] in ("grpo", "ppo"):
        length += f" + {plan['completion']}"
    line = f"{plan['training']}: {what}, {length} " + say("tokens", "トークン")
    if plan["training"] == "grpo":
        line += say(f", {plan['generations']} generations", f"、生成 {plan['generations']} 本")
    line += f", {plan['optimizer']}, checkpointing={plan['checkpointing']}"
    return line + _way_taken(found["plans"][0])


def _way_out(card: str, change: str | None) -> str:
    if change is None:
        return say(
            f"{card}: nothing here helps; take a smaller model or a larger card.",
            f"{card}: どの設定を変えても載りません。小さいモデルか、大きい GPU を使ってください。",
        )
    return say(f"{card}: fits with {change}", f"{card}: {change} なら載ります")
