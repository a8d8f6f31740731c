"""One dashboard of several models: which numbers, which way is better, and what their scales are.

The pictures are in ``figures.dashboard``, the HTML page is in ``labs.lab06.dashboard_page``.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from lab_helpers.evaluation.significance import paired_bootstrap
from lab_helpers.runtime.errors import BadInput
from lab_helpers.runtime.language import say

MISSING = "–"


@dataclass(frozen=True)
class Metric:
    """One number of a model: its key, its label in both languages, its direction and its range.

    ``low`` and ``high`` are the ends of the scale. ``high=None``: the largest value shown (with its
    interval), rounded up, for numbers without a natural end such as seconds.
    """

    name: str
    en: str
    ja: str
    higher_is_better: bool = True
    low: float = 0.0
    high: float | None = 1.0
    unit: str = ""

    def label(self, language: str) -> str:
        text = self.ja if language == "ja" else self.en
        unit = f"（{self.unit}）" if language == "ja" else f" ({self.unit})"
        return text + (unit if self.unit else "")

    def digits(self) -> int:
        """Digits behind the point: two on a scale up to 10, one up to 100, none beyond."""
        top = max(abs(self.low), abs(self.high or 0))
        return 2 if top <= 10 else 1 if top <= 100 else 0


@dataclass(frozen=True)
class Dashboard:
    """``scores``: for each model ``{metric: value, metric_ci: [low, high]}``; other keys are not read.

    Metrics and models come in the order given. Metrics that no model has are left out.
    Made by :func:`dashboard`, which checks it; ``order`` are the models of the whole that this is a part of.
    ``items`` are ``{metric: {model: scores (n,)}}`` where models can be compared item by item.
    """

    metrics: tuple[Metric, ...]
    scores: dict[str, dict]
    order: tuple[str, ...] = ()
    items: dict[str, dict] = field(default_factory=dict)

    @property
    def models(self) -> list[str]:
        return list(self.scores)

    def place(self, model: str) -> int:
        """The model's number in the whole dashboard, also in a part of it."""
        return (self.order or tuple(self.scores)).index(model)

    def value(self, model: str, metric: Metric) -> float | None:
        return _number(self.scores[model].get(metric.name))

    def interval(self, model: str, metric: Metric) -> tuple[float, float] | None:
        """The 95 % interval, if the model has one."""
        found = self.scores[model].get(f"{metric.name}_ci")
        if found is None:
            return None
        try:
            low, high = (float(end) for end in found)
        except (TypeError, ValueError):
            low = high = math.nan
        if not (math.isfinite(low) and math.isfinite(high)):
            raise BadInput(
                say(
                    f"{metric.name}_ci of {model} is no interval",
                    f"{model} の {metric.name}_ci が区間になっていません",
                ),
                say("Give [low, high].", "[下限, 上限] の形で指定してください。"),
            )
        return low, high

    def turned(self, model: str, metric: Metric) -> float | None:
        """The value on a radar: 0 is the worse end of the metric's scale, 1 the better one."""
        value = self.value(model, metric)
        if value is None or metric.high is None:
            return None
        share = (value - metric.low) / (metric.high - metric.low)
        return share if metric.higher_is_better else 1 - share

    def scale(self, metric: Metric) -> tuple[str, str]:
        """The worse and the better end of the metric's scale, in writing."""
        assert metric.high is not None
        ends = shown(metric.low), shown(metric.high)
        return ends if metric.higher_is_better else ends[::-1]

    def complete(self) -> tuple[Metric, ...]:
        """The metrics that every model has: only these can be compared on a radar."""
        return tuple(
            m for m in self.metrics if all(self.value(name, m) is not None for name in self.scores)
        )

    def best(self, metric: Metric) -> set[str]:
        """The best model, and those not told apart from it; never one at the worse end of the scale.

        Item by item where the items are known (the interval of the paired difference holds zero), else
        by intervals that overlap, which is weaker: overlap proves no equality.
        """
        found = {m: v for m in self.models if (v := self.value(m, metric)) is not None}
        if not found:
            return set()
        sign = 1 if metric.higher_is_better else -1
        best = max(found, key=lambda name: sign * found[name])
        bottom = metric.low if metric.higher_is_better else metric.high
        return {
            name
            for name, value in found.items()
            if value != bottom and not self._told_apart(best, name, metric)
        }

    def _told_apart(self, best: str, other: str, metric: Metric) -> bool:
        items = self.items.get(metric.name, {})
        if best in items and other in items:
            found = paired_bootstrap(items[best], items[other])
            return found.low > 0 or found.high < 0
        (low, high), (other_low, other_high) = (self._ends(name, metric) for name in (best, other))
        return other_low > high or other_high < low

    def _ends(self, model: str, metric: Metric) -> tuple[float, float]:
        """The interval of a value that is there, or the value as one without a width."""
        value = self.value(model, metric)
        assert value is not None
        return self.interval(model, metric) or (value, value)

    def only(self, metrics: Sequence[str], models: Sequence[str]) -> "Dashboard":
        """A part of it, in its own order and on the same scales."""
        return Dashboard(
            tuple(m for m in self.metrics if m.name in metrics),
            {name: found for name, found in self.scores.items() if name in models},
            self.order or tuple(self.scores),
            self.items,
        )

    def rows(self, language: str) -> list[dict[str, str]]:
        """A row a model for a table; ★ marks the best and those not told apart from it."""
        best = {metric.name: self.best(metric) for metric in self.metrics}
        return [
            {("モデル" if language == "ja" else "model"): name}
            | {
                self.heading(metric, language): self.cell(name, metric, name in best[metric.name])
                for metric in self.metrics
            }
            for name in self.models
        ]

    def heading(self, metric: Metric, language: str) -> str:
        return f"{metric.label(language)} {'↑' if metric.higher_is_better else '↓'}"

    def cell(self, model: str, metric: Metric, best: bool = False) -> str:
        """For example "0.84 [0.78, 0.90] ★", or a dash where the model has no such number."""
        value, interval = self.value(model, metric), self.interval(model, metric)
        if value is None:
            return MISSING
        digits = metric.digits()
        spread = f" [{interval[0]:,.{digits}f}, {interval[1]:,.{digits}f}]" if interval else ""
        return f"{value:,.{digits}f}" + spread + (" ★" if best else "")


def dashboard(
    metrics: Sequence[Metric], scores: dict[str, dict], items: dict[str, dict] | None = None
) -> Dashboard:
    """A checked dashboard; raises :class:`BadInput` for one that would show something wrong."""
    if not scores:
        raise BadInput(
            say("a dashboard without models", "ダッシュボードにモデルがありません"),
            say(
                "Give {model name: {metric: value}}.",
                "{モデル名: {指標: 値}} の形で渡してください。",
            ),
        )
    if len({metric.name for metric in metrics}) < len(metrics):
        raise BadInput(
            say(
                "a metric stands twice in the dashboard", "ダッシュボードに同じ指標が 2 つあります"
            ),
            say("Give each metric once.", "指標は 1 つずつ指定してください。"),
        )
    found = Dashboard(tuple(metrics), scores)
    kept = [m for m in metrics if any(found.value(name, m) is not None for name in scores)]
    if not kept:
        raise BadInput(
            say(
                "none of the models has any of the dashboard's metrics",
                "ダッシュボードの指標の値を持つモデルがありません",
            ),
            say(
                f"The metrics are {', '.join(m.name for m in metrics)}.",
                f"指標: {', '.join(m.name for m in metrics)}。",
            ),
        )
    found = Dashboard(tuple(_scaled(metric, found) for metric in kept), scores, items=items or {})
    for metric in found.metrics:
        for name in scores:
            _check(found, name, metric)
    return found


def _scaled(metric: Metric, found: Dashboard) -> Metric:
    if metric.high is not None:
        return metric
    ends = []
    for name in found.models:
        value, interval = found.value(name, metric), found.interval(name, metric)
        ends += [end for end in (value, interval and interval[1]) if end is not None]
    return replace(metric, high=_rounded_up(max(ends), metric.low))


def _rounded_up(value: float, low: float) -> float:
    """The next of 1, 2, 5 · 10ⁿ at or above ``value`` (or just above ``low``, where nothing is higher)."""
    if value <= low:
        return low + 1
    power = 10.0 ** math.floor(math.log10(value - low))
    return low + next(
        step * power for step in (1, 2, 5, 10) if step * power >= (value - low) * (1 - 1e-9)
    )


def _check(found: Dashboard, name: str, metric: Metric) -> None:
    value, interval = found.value(name, metric), found.interval(name, metric)
    assert metric.high is not None
    if metric.high <= metric.low:
        raise BadInput(
            say(
                f"the scale of {metric.name} ends before it begins",
                f"{metric.name} の目盛りの上限が下限以下になっています",
            ),
            say("Give low < high.", "low < high になるように指定してください。"),
        )
    if value is None:
        return
    if not metric.low <= value <= metric.high:
        raise BadInput(
            say(
                f"{metric.name} of {name} is {shown(value)}, outside its scale {shown(metric.low)} – {shown(metric.high)}",
                f"{name} の {metric.name} の値 {shown(value)} が、目盛りの範囲 {shown(metric.low)} – {shown(metric.high)} の外にあります",
            ),
            say(
                "Mend the value, or give the metric a wider low and high.",
                "値を直すか、指標の low と high を広げてください。",
            ),
        )
    if interval and not interval[0] - 1e-9 <= value <= interval[1] + 1e-9:
        raise BadInput(
            say(
                f"{metric.name} of {name} is {shown(value)}, outside its own interval",
                f"{name} の {metric.name} の値 {shown(value)} が、その区間の外にあります",
            ),
            say(f"Check {metric.name}_ci.", f"{metric.name}_ci を確かめてください。"),
        )


def _number(value) -> float | None:
    """A finite number, or ``None``."""
    if value is None or isinstance(value, str | list | dict):
        return None
    return float(value) if math.isfinite(value) else None


def shown(value: float) -> str:
    """An end of a scale or a value in a message, without needless digits: 0, 0.5, 1,000."""
    return f"{value:,.4g}" if abs(value) < 1000 else f"{value:,.0f}"
