"""Which models are still in memory, and how those leave it that nobody can reach."""

import gc
import weakref

_loaded: weakref.WeakSet = weakref.WeakSet()


def note_loaded(model) -> None:
    """Remember, without holding it, a model that :func:`free_dead_models` may have to free one day.

    Every layer of it, for a model may be gone while a circle still holds layers (4-bit ones do).
    """
    _loaded.update(model.modules())


def free_dead_models() -> None:
    """Give back the memory of models that nobody can reach any more. Call it before another is loaded.

    ``del`` alone does not free a model that was trained: TRL binds a ``forward`` of its own to it
    (``model.forward``), so the model holds a method that holds the model. Such a circle waits for
    Python's collector, which counts objects and not gigabytes, while a T4 has room for two copies and
    not three. torch keeps freed blocks of the card for itself, in sizes that the next model may not
    want; they go back too. Where no earlier model is left there is nothing to look for.
    """
    if not _loaded:
        return
    gc.collect()
    import torch

    if torch.cuda.is_initialized():
        torch.cuda.empty_cache()
    if torch.backends.mps.is_available():
        torch.mps.empty_cache()
