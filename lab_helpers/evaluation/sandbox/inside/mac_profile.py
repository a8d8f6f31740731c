"""macOS: the system's own sandbox (the engine of ``sandbox-exec``), through libsystem_sandbox."""

import ctypes
import os

LIBRARY = "/usr/lib/libsystem_sandbox.dylib"

PROFILE = """(version 1)
(allow default)
(deny network*)
(deny process-fork)
(deny process-exec)
(deny signal (target others))
(deny file-write*)
(deny file-read* (subpath "{home}"))
{readable}
(allow file-read* file-write* (subpath "{folder}"))
(allow file-write-data (literal "/dev/null"))
"""


def restrict(home: str, readable: list[str], folder: str) -> None:
    """No network, no new processes, no signals to others, no writing but in ``folder``, no home folder.

    Raises:
        OSError: the system has no such sandbox, or refuses the profile.
    """
    allowed = "\n".join(f'(allow file-read* (subpath "{_quoted(p)}"))' for p in readable)
    text = PROFILE.format(home=_quoted(home), readable=allowed, folder=_quoted(folder))
    problem = ctypes.c_char_p()
    library = ctypes.CDLL(LIBRARY)
    if library.sandbox_init(text.encode(), ctypes.c_uint64(0), ctypes.byref(problem)) != 0:
        raise OSError(f"the profile was refused: {(problem.value or b'').decode(errors='replace')}")


def _quoted(path: str) -> str:
    return os.path.realpath(path).replace("\\", "\\\\").replace('"', '\\"')
