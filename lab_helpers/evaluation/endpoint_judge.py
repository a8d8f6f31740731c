"""A judge on a server that speaks the OpenAI chat API: the learner's own, paid or local, never by default.

What was answered once is kept in a file, so that a run that breaks off, or is made again, pays once.
"""

import json
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from lab_helpers.evaluation.judge_prompts import VERDICT_AGAIN, VERDICT_QUESTION, pair_text, verdict
from lab_helpers.evaluation.judge_server import checked_address, open_client, read_key
from lab_helpers.runtime.errors import BadInput
from lab_helpers.runtime.files import content_key
from lab_helpers.runtime.language import say

_LARGEST_REPLY = 1_000_000
_LONGEST_WAIT = 30.0
OUT_OF_FORMAT, TIMED_OUT, SERVER_ERROR = "out of format", "timed out", "server error"


@dataclass(frozen=True)
class NoVerdict:
    """A pair that got no verdict and counts as a tie: ``kind`` and what the server did."""

    kind: str
    detail: str
    prompt: str


class _Failed(Exception):
    """One request without an answer, worth another try; ``wait`` in seconds, if the server named one."""

    def __init__(self, kind: str, detail: str, wait: float | None = None):
        self.kind, self.detail, self.wait = kind, detail, wait
        super().__init__(detail)


class EndpointJudge:
    """``judge(prompt, first, second)``: 1.0, 0.5 or 0.0 by the words of a model behind ``base_url``.

    ``base_url`` is everything before ``/chat/completions`` ("http://127.0.0.1:11434/v1"). The key is
    read from the environment variable ``api_key_env``, goes into one header and nowhere else; local
    servers need none. ``timeout`` is for a whole answer, in seconds.

    An answer without verdict is asked again once and then counts as a tie; so does a pair whose
    requests time out or meet a server's error ``tries`` times. All are in ``problems``. After
    ``give_up_after`` failed pairs in a row, and at once for a wrong key, model or address,
    :class:`BadInput`. Answers so far are in ``cache`` (a JSONL file, or memory only).
    """

    def __init__(
        self,
        base_url: str,
        model: str,
        api_key_env: str | None = None,
        timeout: float = 60.0,
        *,
        instruction: str | None = None,
        language: str = "en",
        cache: Path | None = None,
        max_tokens: int = 512,
        tries: int = 3,
        give_up_after: int = 3,
        sleep: Callable[[float], None] = time.sleep,
    ):
        self.base_url, self.model = checked_address(base_url, api_key_env), model
        self._key = read_key(api_key_env)
        self.timeout, self.max_tokens = timeout, max_tokens
        self.tries, self.give_up_after, self._sleep = tries, give_up_after, sleep
        self.instruction = VERDICT_QUESTION[language] if instruction is None else instruction
        self.language = language
        self.problems: list[NoVerdict] = []
        self.requests = 0
        self._failed_in_a_row = 0
        self._answers = _AnswerFile(cache)
        self._client = open_client(self.base_url, timeout)

    def __call__(self, prompt: str, first: str, second: str) -> float:
        text = pair_text(prompt, first, second, self.language)
        messages = [
            {"role": "system", "content": self.instruction},
            {"role": "user", "content": text},
        ]
        try:
            answer = self._answer(messages)
            found = verdict(answer)
            if found is None:
                again = {"role": "user", "content": VERDICT_AGAIN[self.language]}
                answer = self._answer([*messages, {"role": "assistant", "content": answer}, again])
                found = verdict(answer)
        except _Failed as failure:
            self._note(failure, prompt)
            return 0.5
        self._failed_in_a_row = 0
        if found is None:
            self.problems.append(NoVerdict(OUT_OF_FORMAT, answer[:200], prompt))
            return 0.5
        return found

    def problem_counts(self) -> dict[str, int]:
        """How many pairs had no verdict, by kind."""
        return dict(Counter(problem.kind for problem in self.problems))

    def _note(self, failure: _Failed, prompt: str) -> None:
        self.problems.append(NoVerdict(failure.kind, failure.detail, prompt))
        self._failed_in_a_row += 1
        if self._failed_in_a_row >= self.give_up_after:
            self._failed_in_a_row = 0
            raise BadInput(
                say(
                    f"the judge at {self.base_url} gave no answer to {self.give_up_after} pairs in a row ({failure.detail})",
                    f"{self.base_url} の審査員から、{self.give_up_after} 組続けて回答がありません（{failure.detail}）",
                ),
                say(
                    "Run it again later: verdicts so far are kept. For a slow model give a longer timeout.",
                    "時間をおいてもう一度実行してください。これまでの判定は保存されています。遅いモデルには timeout を長くしてください。",
                ),
            )

    def _answer(self, messages: list[dict]) -> str:
        """The model's text, from the answers kept or from the server."""
        body = {
            "model": self.model,
            "messages": messages,
            "temperature": 0,
            "max_tokens": self.max_tokens,
        }
        key = content_key(self.base_url, body)
        if key not in self._answers:
            self._answers.add(key, self._asked(body))
        return self._answers[key]

    def _asked(self, body: dict) -> str:
        """Ask up to ``tries`` times; the wait doubles, or is what the server says."""
        for attempt in range(self.tries):
            try:
                return self._request(body)
            except _Failed as failure:
                if attempt == self.tries - 1:
                    raise
                wait = 2.0**attempt if failure.wait is None else failure.wait
                self._sleep(min(wait, _LONGEST_WAIT))
        raise AssertionError("tries must be at least 1")

    def _request(self, body: dict) -> str:
        import httpx

        self.requests += 1
        headers = {"Authorization": f"Bearer {self._key}"} if self._key else {}
        address = f"{self.base_url}/chat/completions"
        # httpx limits the wait for each piece; a server that trickles would otherwise never end.
        end = time.monotonic() + self.timeout
        try:
            with self._client.stream("POST", address, json=body, headers=headers) as response:
                content = b""
                for piece in response.iter_bytes():
                    content += piece
                    if len(content) > _LARGEST_REPLY:
                        raise _Failed(
                            SERVER_ERROR,
                            say("an answer of more than a megabyte", "回答が 1 MB を超えました"),
                        )
                    if time.monotonic() > end:
                        raise _Failed(
                            TIMED_OUT,
                            say(
                                f"no whole answer in {self.timeout:g} s",
                                f"{self.timeout:g} 秒以内に回答が完了しませんでした",
                            ),
                        )
        except httpx.TimeoutException:
            raise _Failed(
                TIMED_OUT,
                say(
                    f"no answer in {self.timeout:g} s",
                    f"{self.timeout:g} 秒以内に回答がありませんでした",
                ),
            ) from None
        except httpx.ConnectError:
            raise BadInput(
                say(f"nothing answers at {self.base_url}", f"{self.base_url} から応答がありません"),
                say(
                    "Start the server, or mend base_url; verdicts so far are kept.",
                    "サーバーを起動するか、base_url を直してください。これまでの判定は保存されています。",
                ),
            ) from None
        except (httpx.HTTPError, httpx.StreamError) as error:
            raise _Failed(SERVER_ERROR, type(error).__name__) from None
        self._check_status(response)
        return _text_of(content)

    def _check_status(self, response) -> None:
        """Nothing for 200; what to do is in the message. The body is never shown: it may repeat the key."""
        status = response.status_code
        if status == 200:
            return
        if status == 429 or status >= 500:
            raise _Failed(
                SERVER_ERROR,
                say(f"status {status}", f"ステータス {status}"),
                _seconds(response.headers),
            )
        way_out = {
            401: say(
                "Check the key in the environment variable that api_key_env names.",
                "api_key_env で指定した環境変数のキーを確かめてください。",
            ),
            403: say("This key may not use this model.", "このキーでは、このモデルを使えません。"),
            404: say(
                "Check base_url (it usually ends in /v1) and the model's name.",
                "base_url（通常は /v1 で終わります）とモデル名を確かめてください。",
            ),
        }.get(
            status,
            say(
                "The server does not take this request: check base_url and the model's name.",
                "サーバーがこのリクエストを受け付けません。base_url とモデル名を確かめてください。",
            ),
        )
        raise BadInput(
            say(
                f"the judge at {self.base_url} refuses '{self.model}' (status {status})",
                f"{self.base_url} が「{self.model}」での審査を拒否しました（ステータス {status}）",
            ),
            way_out,
        )


class _AnswerFile:
    """Answers by key, appended line by line; a line that a crash left half-written is skipped."""

    def __init__(self, path: Path | None):
        self._path, self._known = path, dict[str, str]()
        if path and path.exists():
            try:
                lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
            except OSError as error:
                raise BadInput(
                    say(
                        f"cannot read {path} ({error.strerror})",
                        f"{path} を読み取れません（{error.strerror}）",
                    ),
                    say("Give another cache file.", "別のキャッシュファイルを指定してください。"),
                ) from None
            for line in lines:
                try:
                    row = json.loads(line)
                    self._known[str(row["key"])] = str(row["answer"])
                except (ValueError, KeyError, TypeError):
                    continue

    def __contains__(self, key: str) -> bool:
        return key in self._known

    def __getitem__(self, key: str) -> str:
        return self._known[key]

    def add(self, key: str, answer: str) -> None:
        self._known[key] = answer
        if self._path:
            # It begins with a line end, so that a half line before it spoils nothing but itself.
            line = "\n" + json.dumps({"key": key, "answer": answer})
            try:
                self._path.parent.mkdir(parents=True, exist_ok=True)
                with self._path.open("a", encoding="utf-8") as stream:
                    stream.write(line)
            except OSError as error:
                raise BadInput(
                    say(
                        f"cannot write {self._path} ({error.strerror})",
                        f"{self._path} に書き込めません（{error.strerror}）",
                    ),
                    say(
                        "Free some disk space or give another cache file.",
                        "ディスクの空きを増やすか、別のキャッシュファイルを指定してください。",
                    ),
                ) from None


def _text_of(content: bytes) -> str:
    """The message's text; of anything else its beginning, which is an answer without a verdict."""
    try:
        text = json.loads(content)["choices"][0]["message"]["content"]
    except (ValueError, LookupError, TypeError, RecursionError):
        text = None
    return text if isinstance(text, str) else content[:200].decode("utf-8", errors="replace")


def _seconds(headers) -> float | None:
    try:
        return max(0.0, float(headers["retry-after"]))
    except (KeyError, ValueError):
        return None
