"""Training and test sets that share no near-duplicate, and the proof that they do not."""

import random
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence

from lab_helpers.data.duplicates import Key, check_threshold, duplicate_groups, texts_of
from lab_helpers.data.near_duplicates import near_duplicates
from lab_helpers.runtime.errors import BadInput
from lab_helpers.runtime.language import say

SHARES = {"train": 0.8, "validation": 0.1, "test": 0.1}


def split_without_leakage(
    rows: Sequence[dict],
    key: Key,
    shares: Mapping[str, float] = SHARES,
    seed: int = 0,
    threshold: float = 0.5,
    stratify: str | None = None,
) -> dict[str, list[dict]]:
    """Every row in one of the splits ``shares`` names, near-duplicates always in the same one.

    Rows whose texts (``key``: a column, or a function from a row) are alike at ``threshold`` or above
    form a group that stays together. Each stratum (value of the column ``stratify``) is spread by
    ``shares`` as evenly as the groups allow; a group counts for the stratum of most of its rows. The
    same rows and ``seed`` give the same splits; rows keep their order. Above 2,000 different texts
    groups come from MinHash, which may miss a pair just at the threshold: see :func:`leakage`.

    Raises :class:`BadInput` for shares that do not sum to 1 and when a split would stay empty.
    """
    groups = _all_groups(texts_of(rows, key), threshold)
    return split_groups(rows, groups, shares, seed, stratify)


def split_groups(
    rows: Sequence[dict],
    groups: Sequence[list[int]],
    shares: Mapping[str, float] = SHARES,
    seed: int = 0,
    stratify: str | None = None,
) -> dict[str, list[dict]]:
    """:func:`split_without_leakage` with ``groups`` of positions in ``rows``, each row in one of them.

    For rows in turns the groups are those of :func:`copies.all_groups`, which looks at all turns and
    is not misled by a prompt that all rows share.
    """
    _check_shares(shares)
    strata: defaultdict[str, list[list[int]]] = defaultdict(list)
    for group in groups:
        values = Counter(str(rows[i].get(stratify)) for i in group) if stratify else Counter([""])
        strata[values.most_common(1)[0][0]].append(group)
    rng = random.Random(seed)
    positions: dict[str, list[int]] = {name: [] for name in shares}
    # What a stratum's rounding left short is owed by the whole, so small strata even out.
    owed = {name: share * len(rows) for name, share in shares.items()}
    for _, members in sorted(strata.items()):
        rng.shuffle(members)
        members.sort(key=len, reverse=True)  # Large groups first: small ones fill what is left.
        size = sum(map(len, members))
        missing = {name: share * size for name, share in shares.items()}
        for group in members:
            name = max(shares, key=lambda name: (round(missing[name], 9), owed[name]))
            positions[name] += group
            missing[name] -= len(group)
            owed[name] -= len(group)
    if empty := [name for name in shares if not positions[name]]:
        raise BadInput(
            say(
                f"{len(rows)} rows in {len(groups)} groups of near-duplicates leave {empty[0]} empty",
                f"{len(rows)} 行は {len(groups)} 個の重複グループにまとまり、{empty[0]} に入れる行が残りません",
            ),
            say(
                "Add rows, remove duplicates, name fewer splits, or raise the threshold.",
                "行を増やす、重複を取り除く、分割の数を減らす、しきい値を上げる、のいずれかを行ってください。",
            ),
        )
    return {name: [rows[i] for i in sorted(found)] for name, found in positions.items()}


def leakage(
    train: Sequence, test: Sequence, threshold: float = 0.5, key: Key | None = None
) -> list[tuple[int, int, float]]:
    """Every pair ``(i, j, similarity)`` with ``train[i]`` and ``test[j]`` alike at ``threshold``.

    Counts all pairs that share an n-gram, so an empty list is a proof. Texts, or rows with ``key``.
    """
    check_threshold(threshold)
    left = list(train) if key is None else texts_of(train, key)
    right = list(test) if key is None else texts_of(test, key)
    return sorted(near_duplicates(left, right, threshold), key=lambda pair: (-pair[2], pair[:2]))


def _all_groups(texts: list[str], threshold: float) -> list[list[int]]:
    """Groups of near-duplicates, and every other position as a group of one; in order."""
    groups = duplicate_groups(texts, threshold)
    grouped = {position for group in groups for position in group}
    alone = [[position] for position in range(len(texts)) if position not in grouped]
    return sorted([*groups, *alone])


def _check_shares(shares: Mapping[str, float]) -> None:
    if not shares or any(share <= 0 for share in shares.values()):
        raise BadInput(
            say(
                f"shares {dict(shares)} are not all above 0",
                f"割合 {dict(shares)} に 0 以下の値があります",
            ),
            say(
                "Leave out the splits that you do not need.",
                "使わない分割は指定から外してください。",
            ),
        )
    if abs(sum(shares.values()) - 1) > 1e-6:
        raise BadInput(
            say(
                f"shares sum to {sum(shares.values()):g}, not 1",
                f"割合の合計が 1 ではなく {sum(shares.values()):g} です",
            ),
            say(
                "For example: train 0.8, validation 0.1, test 0.1.",
                "例: train 0.8、validation 0.1、test 0.1。",
            ),
        )
