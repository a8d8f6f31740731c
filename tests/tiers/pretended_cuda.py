"""A CUDA card that is not there: tensors lie on the CPU and say that they lie on the card.

What is pretended: where a tensor lies (a mark on its storage, which views share), ``torch.cuda``'s
answers, autocast and the gradient scaler (the CPU's own), and what CUDA refuses: operations across
devices, ``.numpy()``, a generator of another device, an ordinal that does not exist. Marks follow every
operation, backward passes too, because they are set below autograd (a dispatch mode).

What is not: CUDA's kernels, their speed and rounding (fp16 sums are the CPU's), streams and asynchronous
errors, memory running out, ``nn.DataParallel`` and anything else that computes on two cards.
A number without dimensions mixes with any device, as most of CUDA's operations allow.
"""

import contextlib
import functools
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from types import SimpleNamespace
from unittest import mock

import torch
import torch.utils._device  # the list of functions that make tensors
from torch.overrides import _get_current_function_mode_stack
from torch.utils._python_dispatch import TorchDispatchMode

_Device = torch.device
CPU = _Device("cpu")
_base = torch._C.TensorBase
_real_device = _base.device.__get__
_aten = torch.ops.aten


@dataclass(frozen=True)
class Card:
    """What ``torch.cuda`` says of each card."""

    name: str
    capability: tuple[int, int]
    gib: float
    count: int = 1


T4 = Card("Tesla T4", (7, 5), 14.74)
CARD_24_GB = Card("NVIDIA GeForce RTX 4090", (8, 9), 23.5)


class Mark:
    """On a storage: where it is said to lie. It dies with the storage, and takes its bytes off the ledger."""

    __slots__ = ("device", "ledger", "role", "size", "words")

    def __init__(self, device: torch.device, size: int, words: bool, role: str | None, ledger):
        self.device, self.size, self.words, self.role, self.ledger = device, size, words, role, ledger  # fmt: skip
        ledger.add(self, size)

    def __del__(self):
        self.ledger.add(self, -self.size)


class Ledger:
    """Living bytes by kind of device, all of them (``live``) and those as wide as the vocabulary (``words``).

    ``roles`` gives the number of elements of a model's matrices a name; ``by_role`` counts bytes of
    tensors with so many elements, whoever holds them.
    """

    def __init__(self):
        self.live = {"cpu": 0, "cuda": 0}
        self.words = {"cpu": 0, "cuda": 0}
        self.peak, self.peaks = dict(self.live), {}
        self.by_role: dict[str, int] = {}
        self.roles: dict[int, str] = {}
        self.vocabulary = -1
        self.take_peaks()

    def add(self, mark: Mark, size: int) -> None:
        kind = mark.device.type
        self.live[kind] += size
        self.peak[kind] = max(self.peak[kind], self.live[kind])
        rest = self.live[kind] - self.words[kind]
        if mark.words:
            self.words[kind] += size
            rest -= size
            name = f"{kind} words"
            self.peaks[name] = max(self.peaks[name], self.words[kind])
        name = f"{kind} rest"
        self.peaks[name] = max(self.peaks[name], rest)
        if mark.role:
            name = f"{kind} {mark.role}"
            self.by_role[name] = self.by_role.get(name, 0) + size

    def take_peaks(self) -> dict[str, int]:
        """The most since this was asked last, by kind of device: vocabulary-wide bytes, and the rest."""
        found, self.peaks = self.peaks, {}
        for kind in self.live:
            self.peaks[f"{kind} words"] = self.words[kind]
            self.peaks[f"{kind} rest"] = self.live[kind] - self.words[kind]
        return found


LEDGER = Ledger()


def storage_of(tensor: torch.Tensor):
    """The storage, or ``None`` for a tensor that has none of its own (sparse, functorch's)."""
    try:
        return _base.untyped_storage(tensor)
    except (RuntimeError, NotImplementedError):
        return None


def mark_of(tensor: torch.Tensor) -> torch.device | None:
    """Where ``tensor`` was said to lie; ``None`` where nobody has said it yet."""
    storage = storage_of(tensor)
    mark = None if storage is None else getattr(storage, "_mark", None)
    return None if mark is None else mark.device


def put(tensor: torch.Tensor, device: torch.device) -> torch.Tensor:
    """Say that ``tensor`` lies on ``device``."""
    if _real_device(tensor).type != "cpu":
        return tensor  # the meta device keeps its own
    storage = storage_of(tensor)
    if storage is not None:
        shape = tensor.shape
        words = len(shape) > 0 and shape[-1] == LEDGER.vocabulary
        size = storage.nbytes()
        floats = tensor.dtype.is_floating_point and not words
        role = LEDGER.roles.get(size // tensor.element_size()) if floats else None
        storage._mark = Mark(device, size, words, role, LEDGER)
    return tensor


def device_of(tensor: torch.Tensor) -> torch.device:
    """What ``tensor.device`` says."""
    real = _real_device(tensor)
    return real if real.type != "cpu" else (mark_of(tensor) or CPU)


_STREAM = SimpleNamespace(
    synchronize=lambda: None, wait_stream=lambda stream: None, is_capturing=lambda: False
)


class Pretence:
    """The functions that take the place of torch's."""

    def __init__(self, card: Card):
        self.card, self.current, self.started = card, 0, False
        self._seen: int | None = None

    # --- what torch.cuda says ---------------------------------------------------------------------

    def device_count(self) -> int:
        """The cards that the environment shows; the first look is the last, as with the driver."""
        shown = os.environ.get("CUDA_VISIBLE_DEVICES")
        if self._seen is not None:
            return self._seen
        names = range(self.card.count) if shown is None else [n for n in shown.split(",") if n.strip()]  # fmt: skip
        found = min(len(names), self.card.count)
        if self.started:
            self._seen = found
        return found

    def start(self) -> None:
        self.started = True
        self.device_count()

    def properties(self, device=None) -> SimpleNamespace:
        self.index(device)
        return SimpleNamespace(
            name=self.card.name,
            total_memory=int(self.card.gib * 2**30),
            major=self.card.capability[0],
            minor=self.card.capability[1],
            multi_processor_count=40,
        )

    def index(self, device=None) -> int:
        """The ordinal of ``device``, refused where there is no such card."""
        self.start()
        if device is None:
            return self.current
        if isinstance(device, (str, _Device)):
            device = _Device(device).index
        number = self.current if device is None or device < 0 else int(device)
        if number >= self.device_count():
            raise RuntimeError("CUDA error: invalid device ordinal")
        return number

    def whole(self, device) -> torch.device | None:
        """``device`` with its index, or ``None`` where none is meant."""
        if device is None:
            return None
        found = _Device(_card_of(device))
        return _Device("cuda", self.index(found)) if found.type == "cuda" else found

    def cuda_functions(self) -> dict[str, Callable]:
        def nothing(*arguments, **options) -> None:
            return None

        def state(device=None) -> torch.Tensor:
            return torch.zeros(16, dtype=torch.uint8)

        def capability(device=None) -> tuple[int, int]:
            self.index(device)
            return self.card.capability

        def forget_peak(device=None) -> None:
            LEDGER.peak["cuda"] = LEDGER.live["cuda"]

        silent = ("synchronize", "empty_cache", "ipc_collect", "manual_seed", "manual_seed_all")
        silent += ("seed", "seed_all", "set_rng_state", "set_rng_state_all")
        return dict.fromkeys(silent, nothing) | {
            "is_available": lambda: self.device_count() > 0,
            "is_initialized": lambda: self.started,
            "init": self.start,
            "_lazy_init": self.start,
            "device_count": self.device_count,
            "current_device": self.index,
            "set_device": lambda device: setattr(self, "current", self.index(device)),
            "get_device_properties": self.properties,
            "get_device_name": lambda device=None: self.properties(device).name,
            "get_device_capability": capability,
            "is_bf16_supported": lambda including_emulation=True: True,  # the trap: T4s emulate it
            "get_arch_list": lambda: ["sm_75", "sm_80", "sm_86", "sm_89"],
            "get_rng_state": state,
            "get_rng_state_all": lambda: [state() for _ in range(self.device_count())],
            "memory_allocated": lambda device=None: LEDGER.live["cuda"],
            "memory_reserved": lambda device=None: LEDGER.live["cuda"],
            "max_memory_allocated": lambda device=None: LEDGER.peak["cuda"],
            "max_memory_reserved": lambda device=None: LEDGER.peak["cuda"],
            "reset_peak_memory_stats": forget_peak,
            "mem_get_info": lambda device=None: (self._free(), int(self.card.gib * 2**30)),
            "device": _Nothing,
            "stream": _Nothing,
            "current_stream": lambda device=None: _STREAM,
            "is_current_stream_capturing": lambda: False,
        }

    def accelerator_functions(self) -> dict[str, Callable]:
        """The same by the names that do not say whose card it is."""
        return {
            "is_available": lambda: self.device_count() > 0,
            "current_accelerator": lambda check_available=False: _Device("cuda"),
            "current_device_index": self.index,
            "device_count": self.device_count,
            "current_stream": lambda device=None: _STREAM,
            "synchronize": lambda device=None: None,
            "empty_cache": lambda: None,
        }

    def _free(self) -> int:
        return max(0, int(self.card.gib * 2**30) - LEDGER.live["cuda"])

    # --- tensors ----------------------------------------------------------------------------------

    def to(self, original: Callable) -> Callable:
        @functools.wraps(original)
        def to(tensor, *args, **kwargs):
            if "other" in kwargs or (args and isinstance(args[0], torch.Tensor)):
                other, *args = (kwargs.pop("other"), *args) if "other" in kwargs else args
                args = (device_of(other), other.dtype, *args)
            copy = kwargs.pop("copy", False)
            args = tuple(map(_card_of, args))
            kwargs = {name: _card_of(value) for name, value in kwargs.items()}
            device, dtype, non_blocking, layout = torch._C._nn._parse_to(*args, **kwargs)
            options = {"dtype": dtype or tensor.dtype, "non_blocking": non_blocking}
            options |= {} if layout is None else {"memory_format": layout}
            device = self.whole(device)
            if device is None:
                return original(tensor, copy=copy, **options)
            if device.type == "meta" or tensor.is_meta:
                return original(tensor, device=device, copy=copy, **options)
            return self.move(tensor, device, lambda x, copy: original(x, copy=copy, **options), copy)  # fmt: skip

        return to

    def move(self, tensor, device: torch.device, cast: Callable, copy: bool = False):
        """``tensor`` on ``device``: itself where it lies there, else a copy through which gradients go back."""
        if mark_of(tensor) is None:
            put(tensor, CPU)
        if device_of(tensor) == device:
            return cast(tensor, copy)
        if tensor.requires_grad and torch.is_grad_enabled():
            return _Move.apply(tensor, device, cast)
        return put(cast(tensor, True), device)

    def factory(self, original: Callable) -> Callable:
        """One of the functions that make tensors out of nothing, or out of Python's numbers."""

        @functools.wraps(original)
        def make(*args, device=None, **kwargs):
            like = args[0] if args and isinstance(args[0], torch.Tensor) else None
            if device is None and like is None:
                device = _context_device()
            device = self.whole(device)
            if device is not None and device.type == "meta":
                return original(*args, device=device, **kwargs)
            if device is None and like is not None and like.is_meta:
                return original(*args, **kwargs)
            if like is not None and original.__name__ in ("as_tensor", "asarray"):
                dtype = {"dtype": kwargs["dtype"]} if kwargs.get("dtype") else {}
                return like.to(device or device_of(like), **dtype)
            device = device or (CPU if like is None else device_of(like))
            generator = kwargs.get("generator")
            if generator is not None and generator.device.type != device.type:
                raise RuntimeError(
                    f"Expected a '{device.type}' device type for generator but found '{generator.device.type}'"
                )
            kwargs.pop("pin_memory", None)
            return put(original(*args, device="cpu", **kwargs), device)

        return make

    def method_factory(self, original: Callable) -> Callable:
        """``x.new_zeros(…)`` and its like: where ``x`` lies, unless told otherwise."""

        @functools.wraps(original)
        def make(tensor, *args, device=None, **kwargs):
            if tensor.is_meta or (device is not None and torch.device(device).type == "meta"):
                options = {} if device is None else {"device": device}
                return original(tensor, *args, **options, **kwargs)
            return put(original(tensor, *args, **kwargs), self.whole(device) or device_of(tensor))

        return make


def _context_device() -> torch.device | None:
    """The device of ``with torch.device("meta"):``, if the code is inside one."""
    for mode in reversed(_get_current_function_mode_stack()):
        if isinstance(mode, torch.utils._device.DeviceContext):
            return mode.device
    return None


def _card_of(value):
    """A number alone is a card; torch would ask its build, which has none."""
    is_number = isinstance(value, int) and not isinstance(value, bool)
    return _Device("cuda", value) if is_number else value


class _DeviceKind(type):
    def __instancecheck__(cls, value):
        return isinstance(value, _Device)


class AnyDevice(metaclass=_DeviceKind):
    """``torch.device``, with :func:`_card_of`."""

    def __new__(cls, device, *index):
        return _Device(_card_of(device), *index)


class _Nothing:
    """A context that changes nothing: ``with torch.cuda.device(0):``."""

    def __init__(self, *_):
        pass

    def __enter__(self):
        return self

    def __exit__(self, *_):
        return None


class _Move(torch.autograd.Function):
    """To another device, and the gradient back to where the tensor came from."""

    @staticmethod
    def forward(ctx, tensor, device, cast):
        ctx.came_from, ctx.dtype = device_of(tensor), tensor.dtype
        return put(cast(tensor.detach(), True), device)

    @staticmethod
    def backward(ctx, gradient):
        return put(gradient.to(dtype=ctx.dtype, copy=True), ctx.came_from), None, None


# --- operations -----------------------------------------------------------------------------------

_ACROSS = {_aten.copy_.default, _aten._foreach_copy_.default, _aten.set_.source_Tensor}
_INDEXING = {
    _aten.index.Tensor,
    _aten.index_put.default,
    _aten.index_put_.default,
    _aten._index_put_impl_.default,
    _aten._unsafe_index.Tensor,
    _aten._unsafe_index_put.default,
}
# Matrix products that add up in float32, which only CUDA has.
_WIDE_PRODUCTS = {
    getattr(getattr(_aten, name), kind)
    for name in ("mm", "bmm", "addmm", "baddbmm")
    for kind in ("dtype", "dtype_out")
}


# fp16 products: CUDA adds up in float32, and a CPU without fp16 instructions takes fifteen times as long.
_PRODUCTS = {_aten.mm.default, _aten.bmm.default, _aten.addmm.default, _aten.baddbmm.default}


class Checked(TorchDispatchMode):
    """Every operation: refused across devices; what comes out lies where what went in lay."""

    def __init__(self):
        super().__init__()
        self.operations = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        self.operations += 1
        tensors: list = []
        _collect(args, tensors)
        if kwargs:
            _collect(kwargs.values(), tensors)
        device = _common_device(func, args, tensors)
        if func in _WIDE_PRODUCTS:
            result = _wide_product(func, args, kwargs or {})
        elif func in _PRODUCTS and args[-1].dtype == torch.float16:
            result = func(*(x.to(dtype=torch.float32) for x in args), **(kwargs or {})).half()
        else:
            result = func(*args, **(kwargs or {}))
        if device is not None:
            _mark_all(result, device)
        return result


def _collect(values, found: list) -> None:
    for value in values:
        if isinstance(value, torch.Tensor):
            found.append(value)
        elif isinstance(value, (list, tuple)):
            _collect(value, found)


def _common_device(func, args, tensors: list) -> torch.device | None:
    """Where the operation takes place; ``None`` while nobody knows. Raises what CUDA raises."""
    if func in _ACROSS:
        return device_of(args[0]) if isinstance(args[0], torch.Tensor) else None
    if func in _INDEXING:
        return _indexing_device(args)
    found, numbers, unknown = None, None, []
    for tensor in tensors:
        if _real_device(tensor).type != "cpu":
            continue
        where = mark_of(tensor)
        if where is None and isinstance(tensor, torch.nn.Parameter):
            where = CPU
        if where is None:
            unknown.append(tensor)
        elif _base.dim(tensor) == 0:
            numbers = where if numbers is None or where.type == "cuda" else numbers
        elif found is None:
            found = where
        elif where != found:
            raise RuntimeError(
                "Expected all tensors to be on the same device, but found at least two devices, "
                f"{found} and {where}! (when checking arguments of {func})"
            )
    found = found or numbers
    if found is not None:
        for tensor in unknown:
            put(tensor, found)
    return found


def _indexing_device(args) -> torch.device:
    """Indices may lie on the CPU beside a tensor on the card, not the other way round."""
    own = device_of(args[0])
    for index in args[1]:
        if index is None:
            continue
        where = mark_of(index)
        if where not in (None, CPU, own):
            raise RuntimeError(
                "indices should be either on cpu or on the same device as the indexed tensor "
                f"({own})"
            )
    values = args[2] if len(args) > 2 else None
    if isinstance(values, torch.Tensor) and values.dim() and mark_of(values) not in (None, own):
        raise RuntimeError(
            f"Expected all tensors to be on the same device, but found at least two devices, {own} "
            f"and {device_of(values)}! (when checking the values of an index)"
        )
    return own


def _mark_all(result, device: torch.device) -> None:
    if isinstance(result, torch.Tensor):
        if _real_device(result).type == "cpu" and mark_of(result) is None:
            put(result, device)
    elif isinstance(result, (list, tuple)):
        for one in result:
            _mark_all(one, device)


def _wide_product(func, args, kwargs):
    *tensors, dtype = args if "out_dtype" not in kwargs else (*args, kwargs["out_dtype"])
    product = getattr(torch, func.overloadpacket.__name__)
    factors = {key: value for key, value in kwargs.items() if key in ("alpha", "beta")}
    result = product(*(t.to(dtype=dtype) for t in tensors), **factors)
    return kwargs["out"].copy_(result) if "out" in kwargs else result


# --- all of it ------------------------------------------------------------------------------------


def _refuse_numpy(original: Callable) -> Callable:
    @functools.wraps(original)
    def numpy(tensor, *args, **kwargs):
        where = device_of(tensor)
        if where.type == "cuda":
            raise TypeError(
                f"can't convert {where} device type tensor to numpy. "
                "Use Tensor.cpu() to copy the tensor to host memory first."
            )
        return original(tensor, *args, **kwargs)

    return numpy


def _on_cpu(original: Callable) -> Callable:
    """A function that takes a device's kind: asked of CUDA, the CPU answers."""

    @functools.wraps(original)
    def ask(kind=None, *args):
        return original("cpu" if kind in (None, "cuda") else kind, *args)

    return ask


@contextlib.contextmanager
def pretended_cuda(card: Card = T4) -> Iterator[Pretence]:
    """While inside, torch has ``card``. bitsandbytes is imported before, or it would look for CUDA's library."""
    import bitsandbytes  # noqa: F401

    pretence = Pretence(card)
    tensor, original_to = torch.Tensor, torch.Tensor.to
    deepcopy = tensor.__deepcopy__
    autocast_init = torch.autocast.__init__

    def autocast(self, device_type, *args, **kwargs):
        autocast_init(self, "cpu" if device_type == "cuda" else device_type, *args, **kwargs)

    def cuda(self, device=None, non_blocking=False, memory_format=torch.preserve_format):
        where = pretence.whole("cuda" if device is None else device)
        return self.to(where, non_blocking=non_blocking, memory_format=memory_format)

    def copied(self, memo):
        result = deepcopy(self, memo)
        return result if mark_of(self) is None else put(result, device_of(self))

    tensor_patches = {
        "device": property(device_of),
        "is_cuda": property(lambda self: device_of(self).type == "cuda"),
        "to": pretence.to(original_to),
        "cuda": cuda,
        "cpu": lambda self, memory_format=torch.preserve_format: self.to(
            CPU, memory_format=memory_format
        ),
        "get_device": lambda self: device_of(self).index if device_of(self).type == "cuda" else -1,
        "numpy": _refuse_numpy(tensor.numpy),
        "__array__": _refuse_numpy(tensor.__array__),
        "__deepcopy__": copied,
        "pin_memory": lambda self, *_: self,
        "is_pinned": lambda self, *_: False,
        **{
            name: pretence.method_factory(getattr(tensor, name))
            for name in ("new_empty", "new_zeros", "new_ones", "new_full", "new_tensor")
        },
    }
    makers = {f for f in torch.utils._device._device_constructors() if hasattr(f, "__name__")}
    likes = ("empty_like", "zeros_like", "ones_like", "full_like", "rand_like", "randn_like", "randint_like")  # fmt: skip
    torch_patches = {
        name: pretence.factory(function)
        for name, function in vars(torch).items()
        if callable(function) and (function in makers if _hashable(function) else False)
    } | {name: pretence.factory(getattr(torch, name)) for name in likes}
    torch_patches["from_numpy"] = lambda array, make=torch.from_numpy: put(make(array), CPU)
    for name in ("is_autocast_enabled", "get_autocast_dtype"):
        torch_patches[name] = _on_cpu(getattr(torch, name))
    torch_patches["device"] = AnyDevice

    with contextlib.ExitStack() as stack:
        stack.enter_context(mock.patch.dict(os.environ, {"HF_DEACTIVATE_ASYNC_LOAD": "1"}))
        for owner, patches in (
            (torch.Tensor, tensor_patches),
            (torch, torch_patches),
            (torch.cuda, pretence.cuda_functions()),
            (torch.accelerator, pretence.accelerator_functions()),
            (torch.autocast, {"__init__": autocast}),
        ):
            for name, value in patches.items():
                stack.enter_context(mock.patch.object(owner, name, value, create=True))
        stack.enter_context(Checked())
        yield pretence


def _hashable(value) -> bool:
    try:
        hash(value)
    except TypeError:
        return False
    return True
