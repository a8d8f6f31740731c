"""The blocks of a model: where they are, which are alike, and how many have to be looked at.

A model of 80 blocks is gone through with two of them and a line is drawn, if they are alike. Hybrid models
have blocks of several kinds (attention and Mamba, dense and mixture, sliding and full) in a pattern.
"""

from dataclasses import dataclass
from itertools import count

from torch import nn


def find_blocks(net: nn.Module) -> str | None:
    """The name of the list that holds the ``num_hidden_layers`` blocks; ``None`` where there is no such list."""
    layers = getattr(net.config.get_text_config(), "num_hidden_layers", None)
    lists = (n for n, m in net.named_modules() if isinstance(m, nn.ModuleList) and len(m) == layers)
    return next(lists, None)


def shorten(net: nn.Module, layers: int) -> nn.Module:
    """``net`` with its first ``layers`` blocks only.

    The configuration stays as it is: some models keep tables there with an entry a block, which a
    shorter model reads the beginning of.
    """
    name = find_blocks(net)
    if name is not None:
        parent, _, attribute = name.rpartition(".")
        blocks = net.get_submodule(name)
        setattr(net.get_submodule(parent), attribute, nn.ModuleList(list(blocks)[:layers]))
    return net


def block_kind(block: nn.Module) -> tuple:
    """What makes two blocks alike: their modules, shapes and switches, without their place in the model."""
    shapes = tuple((name, tuple(p.shape)) for name, p in block.named_parameters())
    switches = tuple(
        (type(module).__name__, key, value)
        for module in block.modules()
        for key, value in sorted(vars(module).items())
        if isinstance(value, (bool, int, str)) and not key.startswith("_") and not _is_place(key)
    )
    return shapes, switches


def _is_place(name: str) -> bool:
    return any(part in name for part in ("idx", "index", "layer_id", "block_id", "layer_number"))


@dataclass(frozen=True)
class Pattern:
    """``first`` blocks, then groups of ``group`` that repeat to the end; ``first`` holds what is left over."""

    first: int
    group: int
    blocks: int

    @property
    def lengths(self) -> tuple[int, int]:
        """Two lengths between which a model grows by one whole group.

        Where all blocks are alike, one more: a model of one block lacks what blocks hand on.
        """
        least = self.first + self.group + (1 if self.group == 1 else 0)
        return least, least + self.group

    @property
    def groups_beyond(self) -> int:
        """How many groups the whole model has beyond the shorter of the two lengths."""
        return (self.blocks - self.lengths[0]) // self.group


def find_pattern(kinds: list) -> Pattern | None:
    """The shortest way to say which blocks follow each other; ``None`` where nothing repeats often enough.

    A model's tail that breaks off in the middle of a group is added to ``first``: blocks are counted,
    and their order does not change what is kept of them.
    """
    total, best = len(kinds), None
    for group in range(1, total // 3 + 1):
        start = next(
            i for i in count() if all(kinds[j] == kinds[j + group] for j in range(i, total - group))
        )
        first = start + (total - start) % group
        found = Pattern(first, group, total)
        if found.lengths[1] < total and (best is None or found.lengths < best.lengths):
            best = found
    return best
