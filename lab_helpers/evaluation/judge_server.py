"""Where a judge's server is and with which key it is asked: a key leaves this machine over https only."""

import os
from urllib.parse import urlsplit

from lab_helpers.runtime.errors import BadInput, MissingDependency
from lab_helpers.runtime.language import say

_LOCAL = ("127.0.0.1", "localhost", "::1")


def checked_address(base_url: str, api_key_env: str | None) -> str:
    """``base_url`` without its last slash; a key travels to other machines over https only."""
    try:
        parts = urlsplit(base_url.strip())
        host = parts.hostname
    except ValueError:
        parts, host = urlsplit(""), None
    if parts.scheme not in ("http", "https") or not host:
        raise BadInput(
            say(
                f"'{base_url}' is not the address of a server",
                f"「{base_url}」はサーバーのアドレスではありません",
            ),
            say("For example http://127.0.0.1:11434/v1", "例: http://127.0.0.1:11434/v1"),
        )
    if parts.username or parts.password:
        raise BadInput(
            say(
                "the judge's address holds a password",
                "審査員のアドレスにパスワードが含まれています",
            ),
            say(
                "Put the key into an environment variable and name it in api_key_env.",
                "キーを環境変数に入れ、その名前を api_key_env に指定してください。",
            ),
        )
    if api_key_env and parts.scheme == "http" and host not in _LOCAL:
        raise BadInput(
            say(
                f"{base_url} would carry your key unencrypted",
                f"{base_url} では、キーが暗号化されずに送られます",
            ),
            say("Use https://.", "https:// を使ってください。"),
        )
    return base_url.strip().rstrip("/")


def read_key(api_key_env: str | None) -> str | None:
    if api_key_env is None:
        return None
    key = os.environ.get(api_key_env, "").strip()
    if not key:
        raise MissingDependency(
            say(
                f"the environment variable {api_key_env} is not set",
                f"環境変数 {api_key_env} が設定されていません",
            ),
            say(
                "Put the judge's API key into it before you start, or use a local model as judge.",
                "実行前に審査員の API キーを設定するか、ローカルのモデルを審査に使ってください。",
            ),
        )
    if not key.isascii() or not key.isprintable():
        raise BadInput(
            say(
                f"the key in {api_key_env} has characters that no key has",
                f"{api_key_env} のキーに、キーには使われない文字が含まれています",
            ),
            say("Copy it again.", "もう一度コピーしてください。"),
        )
    return key


def open_client(base_url: str, timeout: float):
    try:
        import httpx
    except ImportError:
        raise MissingDependency(
            say("httpx is not installed", "httpx がインストールされていません"),
            say("pip install httpx", "pip install httpx でインストールしてください。"),
        ) from None
    # A proxy of the environment has no business between this machine and itself.
    return httpx.Client(timeout=timeout, trust_env=urlsplit(base_url).hostname not in _LOCAL)
