"""The ledger: complete, verbatim, and each rule decides as it says."""

from pathlib import Path

import pytest

from lab_helpers.course import claims
from lab_helpers.runtime.language import set_language

CLAIMS = claims.load_claims()
ARTICLE = Path(__file__).parents[3] / "shared" / "article_ja.txt"


def test_all_44_claims_in_order():
    assert [claim.id for claim in CLAIMS] == [str(i) for i in range(1, 45)]


@pytest.mark.parametrize("claim", CLAIMS, ids=lambda claim: claim.id)
class TestEveryClaim:
    def test_is_complete_in_both_languages(self, claim):
        for text in (
            claim.quote,
            claim.source,
            claim.gloss.en,
            claim.gloss.ja,
            claim.note.en,
            claim.note.ja,
        ):
            assert text.strip()

    def test_verdict_words_are_known(self, claim):
        assert {claim.otherwise, *(verdict for _, verdict in claim.rules)} <= set(claims.VERDICTS)

    def test_conditions_read_only_listed_metrics(self, claim):
        for metrics in (dict.fromkeys(claim.metrics, 0.0), dict.fromkeys(claim.metrics, 1e9)):
            assert claim.verdict(metrics) in claims.VERDICTS
            for text in (claim.measured.en, claim.measured.ja):
                text.format(**metrics)

    def test_a_missing_metric_means_not_measured(self, claim):
        if claim.metrics:
            assert claim.verdict({}) == claims.NOT_MEASURED
            assert claim.measured_text({}) == ""


@pytest.mark.skipif(not ARTICLE.is_file(), reason="the article is not beside this checkout")
@pytest.mark.parametrize("claim", CLAIMS, ids=lambda claim: claim.id)
def test_quotations_are_verbatim(claim):
    article = ARTICLE.read_text(encoding="utf-8")
    for piece in claim.quote.split(" … "):
        assert piece in article


def test_holds_reads_comparisons():
    metrics = {"a": 2.0, "b": -1.0}
    assert claims.holds("a >= 2 and b < 0", metrics)
    assert not claims.holds("a > 2", metrics)
    assert claims.holds("b == -1", metrics)
    assert claims.holds("a <= 2.5e0", metrics)
    with pytest.raises(ValueError, match="cannot read"):
        claims.holds("a is 2", metrics)


def test_rules_are_tried_in_order():
    claim = next(claim for claim in CLAIMS if claim.id == "13")

    def verdict(reset: tuple, freeze: tuple) -> str:
        ends = {"reset_gap": reset, "freeze_gap": freeze}
        found = {f"{name}_{end}": value for name, pair in ends.items() for end, value in zip(("low", "high"), pair, strict=True)}  # fmt: skip
        return claim.verdict(found | {"reset_gap": 0.0, "freeze_gap": 0.0})

    above, below, around = (0.1, 0.2), (-0.2, -0.1), (-0.1, 0.1)
    assert verdict(above, above) == "true"
    assert verdict(below, below) == "false"
    assert (
        verdict(above, around) == verdict(around, above) == verdict(above, below) == "conditional"
    )
    assert verdict(around, around) == verdict(around, below) == "not decided"


def test_verdict_names_are_translated():
    set_language("ja")
    assert claims.verdict_name("conditional") == "条件つき"
