"""One seed for every random number generator a lab touches; and where they all stand."""

import random


def seed_everything(seed: int) -> None:
    """Seed Python, NumPy and torch (all devices)."""
    import numpy as np
    import torch

    random.seed(seed)
    np.random.seed(seed % 2**32)
    torch.manual_seed(seed)


def random_state() -> tuple[dict, dict]:
    """Where every generator stands: tensors named ``rng.…``, and what JSON can hold."""
    import numpy as np
    import torch

    kind, keys, *rest = np.random.get_state(legacy=True)
    version, numbers, gauss = random.getstate()
    tensors = {
        "rng.torch": torch.get_rng_state(),
        "rng.numpy": torch.from_numpy(np.asarray(keys).astype("int64")),
    }
    if torch.cuda.is_available():
        for number, state in enumerate(torch.cuda.get_rng_state_all()):
            tensors[f"rng.cuda{number}"] = state
    return tensors, {"numpy": [kind, *rest], "python": [version, list(numbers), gauss]}


def set_random_state(tensors: dict, plain: dict) -> None:
    """Put every generator where :func:`random_state` found it; of other GPUs than here, none."""
    import numpy as np
    import torch

    kind, *rest = plain["numpy"]
    np.random.set_state((kind, tensors["rng.numpy"].numpy().astype("uint32"), *rest))
    version, numbers, gauss = plain["python"]
    random.setstate((version, tuple(numbers), gauss))
    torch.set_rng_state(tensors["rng.torch"])
    cuda = [tensors[name] for name in sorted(tensors) if name.startswith("rng.cuda")]
    if cuda and torch.cuda.is_available() and len(cuda) == torch.cuda.device_count():
        torch.cuda.set_rng_state_all(cuda)
