"""Resource limits of the operating system (``setrlimit``), where it has them (not on Windows)."""

try:
    import resource
except ImportError:  # Windows
    resource = None  # type: ignore[assignment]


def apply(limits: dict) -> None:
    """CPU seconds, memory, size of a file, open files, processes; no core dumps.

    A limit that is already lower stays as it is. Raises ``OSError`` where the system refuses.
    """
    if resource is None:
        return
    seconds = max(1, round(limits["cpu_seconds"]))
    _lower("RLIMIT_CPU", seconds, seconds + 1)
    _lower("RLIMIT_AS", limits["memory_bytes"])
    _lower("RLIMIT_FSIZE", limits["file_bytes"])
    _lower("RLIMIT_NOFILE", limits["open_files"])
    _lower("RLIMIT_NPROC", limits["processes"])
    _lower("RLIMIT_CORE", 0)
    _lower("RLIMIT_MSGQUEUE", 0)


def _lower(name: str, soft: int, hard: int | None = None) -> None:
    which = getattr(resource, name, None)
    if which is None:
        return
    ceiling = resource.getrlimit(which)[1]
    hard = soft if hard is None else hard
    if ceiling != resource.RLIM_INFINITY:
        soft, hard = min(soft, ceiling), min(hard, ceiling)
    try:
        resource.setrlimit(which, (soft, hard))
    except (ValueError, OSError):
        # macOS refuses RLIMIT_AS below what is mapped already; elsewhere it is an error.
        if name != "RLIMIT_AS" or not _is_mac():
            raise


def _is_mac() -> bool:
    import sys

    return sys.platform == "darwin"
