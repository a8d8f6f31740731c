"""Other people's spans: 1,500 Japanese sentences in their publisher's own format."""

import json
from itertools import combinations
from pathlib import Path

import pytest

from lab_helpers.tuning.tagging import spans_from, tags_for

SOURCE = Path(__file__).resolve().parents[3] / "shared" / "data" / "ner_wikipedia_ja.json"


@pytest.fixture(scope="module")
def published() -> list[dict]:
    if not SOURCE.is_file():
        pytest.skip(f"{SOURCE} is not on this machine: it is not part of the project")
    return json.loads(SOURCE.read_text(encoding="utf-8"))


def converted(row: dict) -> dict:
    """A published row as a row of this course: ``start``, ``end`` and ``label`` of each entity."""
    entities = [
        {"start": entity["span"][0], "end": entity["span"][1], "label": entity["type"]}
        for entity in row["entities"]
    ]
    return {"text": row["text"], "entities": entities}


def fault(row: dict) -> str | None:
    """Why a published row's offsets cannot be used, or None."""
    for entity in row["entities"]:
        start, end = entity["span"]
        if not 0 <= start < end <= len(row["text"]):
            return f"span {entity['span']} lies outside the text"
        if row["text"][start:end] != entity["name"]:
            return f"span covers '{row['text'][start:end]}', not '{entity['name']}'"
    for a, b in combinations(row["entities"], 2):
        if a["span"][0] < b["span"][1] and b["span"][0] < a["span"][1]:
            return f"'{a['name']}' and '{b['name']}' overlap"
    return None


def round_trip(row: dict) -> set[tuple[int, int, str]]:
    """Spans to one tag a character and back."""
    characters = [(i, i + 1) for i in range(len(row["text"]))]
    return set(spans_from(characters, tags_for(characters, row["entities"])))


def test_character_tags_give_every_valid_span_back(published, record_property, capsys):
    faults = {row["curid"]: found for row in published if (found := fault(row))}
    valid = [converted(row) for row in published if fault(row) is None]
    spans = sum(len(row["entities"]) for row in valid)
    record_property("rows_with_invalid_offsets", len(faults))
    with capsys.disabled():
        print(f"\n{SOURCE.name}: {len(valid)} rows valid, {len(faults)} with invalid offsets")
        for curid, found in list(faults.items())[:10]:
            print(f"  {curid}: {found}")
    assert len(published) == 1500
    assert len(valid) > 1400, "the conversion misreads the format"
    assert spans > 3000
    lost = [
        row["text"]
        for row in valid
        if round_trip(row) != {(e["start"], e["end"], e["label"]) for e in row["entities"]}
    ]
    assert lost == []


def test_shifted_offsets_would_be_counted_as_invalid(published):
    shifted = []
    for row in published[:200]:
        entities = [{**e, "span": [n + 1 for n in e["span"]]} for e in row["entities"]]
        shifted.append({**row, "entities": entities})
    with_entities = [row for row in shifted if row["entities"]]
    assert len(with_entities) > 150
    assert all(fault(row) for row in with_entities)


def test_faults_are_told_apart():
    def row(text, *spans):
        entities = [{"name": name, "span": span, "type": "x"} for name, span in spans]
        return {"text": text, "entities": entities}

    assert fault(row("東京都", ("東京", [0, 2]))) is None
    assert "outside" in fault(row("東京都", ("都", [2, 4])))
    assert "outside" in fault(row("東京都", ("", [1, 1])))
    assert "not '京都'" in fault(row("東京都", ("京都", [0, 2])))
    assert "overlap" in fault(row("東京都", ("東京", [0, 2]), ("京都", [1, 3])))
