"""Every tensor's birth and death, counted: what is alive at once is what a step needs."""

import weakref

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

_VALUE, _COPY = torch.ops.aten._local_scalar_dense.default, torch.ops.aten._to_copy.default
_META = torch.device("meta")
_ANSWERS = {torch.bool: True, torch.float32: 1.0, torch.bfloat16: 1.0, torch.float16: 1.0}


class LiveBytes(TorchDispatchMode):
    """Adds up the storages that operations make; ``peak`` is the most that was alive at once.

    ``known`` are weights and inputs, ``trained`` the shapes of what trains: these tensors, and in a
    backward pass gradients of these shapes, are counted elsewhere. Where a model asks for a value
    ("is there padding?"), a meta tensor has none: the answer is yes, or 1, which is a batch of full rows.
    So it is where one is copied to another device.
    """

    def __init__(self, known: list[torch.Tensor], trained: set[tuple[int, ...]]):
        super().__init__()
        self.live = self.peak = self.operations = 0
        self._kept = known
        self._gradients = trained | {shape[::-1] for shape in trained}
        self._seen = {tensor.untyped_storage()._cdata for tensor in known}

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        self.operations += 1
        kwargs = kwargs or {}
        if func is _VALUE and args[0].is_meta:
            return _ANSWERS.get(args[0].dtype, 1)
        if func is _COPY and args[0].is_meta and kwargs.get("device", _META).type != "meta":
            return torch.ones(args[0].shape, dtype=kwargs.get("dtype") or args[0].dtype)
        result = func(*args, **kwargs)
        backward = not torch.is_grad_enabled()
        for leaf in tree_leaves(result):
            if isinstance(leaf, torch.Tensor):
                if backward and tuple(leaf.shape) in self._gradients:
                    continue
                self._born(leaf.untyped_storage())
        return result

    def _born(self, storage) -> None:
        key, size = storage._cdata, storage.nbytes()
        if key in self._seen:
            return
        self._seen.add(key)
        self.live += size
        self.peak = max(self.peak, self.live)
        weakref.finalize(storage, self._died, key, size)

    def _died(self, key: int, size: int) -> None:
        self._seen.discard(key)
        self.live -= size
