"""Lab 02: what several of its checks use."""

import torch


def matrices(seed: int = 0, n: int = 5, d: int = 6, k: int = 4, r: int = 2):
    generator = torch.Generator().manual_seed(seed)
    shapes = ((n, k), (d, k), (r, k), (d, r))
    return [torch.randn(shape, generator=generator, dtype=torch.float64) for shape in shapes]
