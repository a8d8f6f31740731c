"""Patterns of blocks: found, told apart, and enough of them kept."""

import pytest

from lab_helpers.models.blocks import block_kind, find_blocks, find_pattern, shorten
from lab_helpers.models.known_configs import meta_model


@pytest.mark.parametrize(
    ("kinds", "first", "group"),
    [
        ("aaaaaaaa", 0, 1),
        ("daaaaaaa", 1, 1),
        ("abababab", 0, 2),
        ("aaabaaabaaabaaab", 0, 4),
        ("ddabababab", 2, 2),
        ("abababababa", 1, 2),
    ],
)
def test_the_shortest_pattern(kinds, first, group):
    found = find_pattern(list(kinds))
    assert (found.first, found.group) == (first, group)
    short, longer = found.lengths
    assert longer - short == group
    assert short + found.groups_beyond * group == len(kinds)


@pytest.mark.parametrize("kinds", ["a", "aa", "aaa", "abcd", "abab", "abcabc"])
def test_too_little_to_draw_a_line(kinds):
    assert find_pattern(list(kinds)) is None


def test_what_is_left_over_is_of_the_same_kinds():
    """Three blocks of a group of four at the end are counted as the first three."""
    kinds = list("ssfs" * 5 + "ssf")
    found = find_pattern(kinds)
    assert found.group == 4
    for length in found.lengths:
        head = kinds[:length]
        beyond = (len(kinds) - length) // 4
        assert head.count("f") + beyond == kinds.count("f")
        assert head.count("s") + 3 * beyond == kinds.count("s")


def test_gemmas_blocks_alternate():
    net = meta_model("Gemma 2 2B")
    name = find_blocks(net)
    assert name == "model.layers"
    kinds = [block_kind(block) for block in net.get_submodule(name)]
    assert len(set(kinds)) == 2
    assert kinds[0] == kinds[2] != kinds[1] == kinds[3]


def test_a_model_is_shortened_and_its_configuration_kept():
    net = shorten(meta_model("Qwen2.5 0.5B"), 2)
    assert len(net.model.layers) == 2
    assert net.config.num_hidden_layers == 24
