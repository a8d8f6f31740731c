"""The support rows of Hoshizora Electric, as several labs read them."""

from lab_helpers.data.shipped import load_shipped


def gold_rows(language: str, split: str) -> list[dict]:
    """The hand-written support questions and answers of one split."""
    return [row for row in load_shipped("support", language, split) if row["gold"]]
