"""When a hub is busy or the line breaks: what passes by itself, how long to wait, when to stop."""

import re
import time
from collections.abc import Callable
from email.utils import parsedate_to_datetime
from typing import TypeVar

from lab_helpers.runtime.language import say
from lab_helpers.runtime.progress import note

WAITS = (1.0, 2.0, 4.0, 8.0, 15.0)  # seconds between attempts that brought nothing
LONGEST_WAIT = 60.0  # seconds a hub may ask for before the user is told instead
_BUSY = {408, 429, 500, 502, 503, 504}
_RESET = re.compile(r"t\s*=\s*(\d+)")

T = TypeVar("T")


def status_of(error: BaseException | None) -> int | None:
    """The HTTP status that an error carries, or ``None`` where there was no answer."""
    return getattr(getattr(error, "response", None), "status_code", None)


def asked_wait(error: BaseException | None) -> float | None:
    """The seconds for which a busy hub asks to be left alone."""
    headers = getattr(getattr(error, "response", None), "headers", {})
    if found := _RESET.search(headers.get("ratelimit", "")):
        return float(found[1])
    value = headers.get("retry-after", "").strip()
    if value.isdigit():
        return float(value)
    try:
        return max(0.0, parsedate_to_datetime(value).timestamp() - time.time())
    except (TypeError, ValueError):
        return None


def _is_passing(error: BaseException | None) -> bool:
    status = status_of(error)
    return status is None or status in _BUSY


def give_up_or_wait(error: Exception | None, failures: int) -> bool:
    """Wait before another attempt, saying so; False where the line broke too often.

    An answer that waiting does not change is raised again. ``error`` is ``None`` where the hub simply
    stopped; ``failures`` counts the attempts before this one that brought nothing.
    """
    wanted = asked_wait(error)
    if error and not _is_passing(error):
        raise error
    if failures >= len(WAITS) or (wanted or 0) > LONGEST_WAIT:
        if error and status_of(error):
            raise error
        return False
    seconds = WAITS[failures] if wanted is None else wanted
    note(_why_waiting(error, seconds))
    time.sleep(seconds)
    return True


def ask_patiently(question: Callable[[], T], attempts: int = 3) -> T:
    """The answer to a short question, asked again where the hub is busy or the line broke."""
    from huggingface_hub.errors import HTTPError

    for failures in range(attempts - 1):
        try:
            return question()
        except HTTPError as error:
            if not give_up_or_wait(error, failures):
                raise
    return question()


def _why_waiting(error: Exception | None, seconds: float) -> str:
    status = status_of(error)
    if status == 429:
        return say(
            f"The hub has too many requests and asks us to wait {seconds:.0f} s.",
            f"ハブへのリクエストが多すぎるため、{seconds:.0f} 秒待ってから続けます。",
        )
    reason = f"HTTP {status}" if status else type(error).__name__ if error else "EOF"
    return say(
        f"The hub does not answer as it should ({reason}); trying again in {seconds:.0f} s.",
        f"ハブから正常な応答がありません（{reason}）。{seconds:.0f} 秒後に再試行します。",
    )
