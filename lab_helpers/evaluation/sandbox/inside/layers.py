"""The layers of protection by name, each put around the process that calls it."""

import os
import sys

from . import files_rules, kernel, limits_here, mac_profile, spaces, system_calls

NAMESPACES = "namespaces"
SMALL_FOLDER = "small_folder"
LIMITS = "limits"
NO_CAPABILITIES = "no_capabilities"
NO_NEW_PRIVILEGES = "no_new_privileges"
FILES = "files"
CALLS = "calls"
MAC_PROFILE = "mac_profile"

ON_LINUX = (
    NAMESPACES, SMALL_FOLDER, LIMITS, NO_CAPABILITIES, NO_NEW_PRIVILEGES, FILES, CALLS,
)  # fmt: skip
ON_MAC = (LIMITS, MAC_PROFILE)


def possible_here() -> tuple[str, ...]:
    """The layers that this kind of system can have; whether it has them is for a probe to say."""
    if sys.platform == "linux":
        return ON_LINUX
    return ON_MAC if sys.platform == "darwin" else ()


def surround(job: dict, folder: str | None) -> None:
    """Put the layers named in ``job["layers"]`` around this process; ``NAMESPACES`` is entered before.

    Args:
        job: ``layers``, ``limits``, ``readable`` and ``home``.
        folder: the only place to write in; ``None``: nowhere.

    Raises:
        OSError: a layer could not be put up. The program must not run then.
    """
    wanted = job["layers"]
    if sys.platform == "linux":
        kernel.prctl(kernel.PR_SET_PDEATHSIG, 9)
        kernel.prctl(kernel.PR_SET_DUMPABLE, 0)
    if SMALL_FOLDER in wanted and folder:
        spaces.mount_small_folder(folder, job["limits"]["folder_bytes"])
    if folder:
        os.chdir(folder)
    if LIMITS in wanted:
        limits_here.apply(job["limits"])
    if NO_CAPABILITIES in wanted:
        spaces.drop_capabilities()
    if NO_NEW_PRIVILEGES in wanted:
        kernel.prctl(kernel.PR_SET_NO_NEW_PRIVS, 1)
    if FILES in wanted:
        files_rules.restrict(job["readable"], [os.devnull, *([folder] if folder else [])])
    if CALLS in wanted:
        system_calls.restrict()
    if MAC_PROFILE in wanted and folder:
        mac_profile.restrict(job["home"], job["readable"], folder)
