"""Retrieval of one's own paraphrase, on vectors made by hand."""

import numpy as np
import pytest

from lab_helpers.evaluation.similarity import fooled_by_overlap, retrieval_hits

ANCHORS = np.array([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]])


def test_everyones_own_is_nearest():
    own = np.array([[2.0, 0.1], [0.1, 3.0], [0.9, 1.0]])
    assert retrieval_hits(ANCHORS, own).tolist() == [1, 1, 1]


def test_an_anchor_whose_neighbour_is_nearer_is_no_hit():
    swapped = np.array([[0.1, 3.0], [2.0, 0.1], [0.9, 1.0]])
    assert retrieval_hits(ANCHORS, swapped).tolist() == [0, 0, 1]


def test_length_does_not_matter_only_direction():
    """By dot product the long vector would win every anchor."""
    own = np.array([[1.0, 0.1], [0.1, 1.0], [500.0, 500.0]])
    assert retrieval_hits(ANCHORS, own).tolist() == [1, 1, 1]
    scaled = ANCHORS * np.array([[1e-3], [7.0], [1e3]])
    assert retrieval_hits(scaled, own).tolist() == [1, 1, 1]


def test_it_is_the_anchor_that_searches_not_the_paraphrase():
    anchors = np.array([[1.0, 0.0], [1.0, 0.4]])
    paraphrases = np.array([[1.0, 0.5], [0.0, 1.0]])
    assert retrieval_hits(anchors, paraphrases).tolist() == [1, 0]
    assert retrieval_hits(paraphrases, anchors).tolist() == [0, 1]


@pytest.mark.parametrize("seed", range(3))
def test_against_comparing_all_pairs_one_by_one(seed):
    rng = np.random.default_rng(seed)
    left = rng.normal(size=(30, 5))
    right = left + rng.normal(scale=0.8, size=(30, 5))

    def cosine(a, b):
        return a @ b / np.sqrt(a @ a) / np.sqrt(b @ b)

    nearest = [max(range(30), key=lambda j, a=a: cosine(a, right[j])) for a in left]
    expected = [float(j == i) for i, j in enumerate(nearest)]
    assert 0 < sum(expected) < 30
    assert retrieval_hits(left, right).tolist() == expected


def test_fooled_where_the_distractor_lies_nearer():
    near, far = np.array([[1.0, 0.1], [0.1, 1.0]]), np.array([[50.0, 40.0], [9.0, 1.0]])
    assert fooled_by_overlap(ANCHORS[:2], near, far).tolist() == [0, 0]
    assert fooled_by_overlap(ANCHORS[:2], far, near).tolist() == [1, 1]
    assert fooled_by_overlap(ANCHORS[:2], near, near).tolist() == [0, 0]
