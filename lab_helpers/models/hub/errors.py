"""What went wrong on the way from a hub: one message with the way out, in both languages."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from lab_helpers.models.hub.download import CutOff, WrongContent
from lab_helpers.models.hub.listing import NoHub
from lab_helpers.models.hub.names import HubName, cache_folder
from lab_helpers.models.hub.patience import status_of
from lab_helpers.models.hub.refusals import cannot_load, explain_answer, explain_refusal
from lab_helpers.models.hub.room import is_full
from lab_helpers.runtime.errors import BadInput, LabError, MissingDependency
from lab_helpers.runtime.language import say


@contextmanager
def explained(name: HubName, place: Path | None = None) -> Iterator[None]:
    """Turn what a hub, the line or the disk did into one message.

    ``place`` is where the files go, if not into the cache.
    """
    try:
        yield
    except LabError:
        raise
    except Exception as error:  # httpx, huggingface_hub, the system: each has its own
        told = explain(name, error, place)
        if told is None:
            raise
        raise told from None


def explain(name: HubName, error: BaseException, place: Path | None = None) -> LabError | None:
    """The message for ``error`` or for what caused it; ``None`` for what has nothing to do with a hub.

    transformers wraps what huggingface_hub raises, so the causes are looked at too.
    """
    causes = list(_with_causes(error))
    explainers = (
        _wrong_content,
        explain_refusal,
        _cut_off,
        explain_answer,
        _no_hub,
        _unreachable,
        _not_here,
        partial(_disk, place=place),
    )
    for explainer in explainers:
        for cause in causes:
            told = explainer(name, cause)
            if told is not None:
                return told
    return None


def _with_causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)


def _wrong_content(name: HubName, error: BaseException) -> LabError | None:
    if not isinstance(error, WrongContent):
        return None
    return cannot_load(
        name,
        f"{error.path} is not what the hub announced ({error.found}; expected {error.expected}); it is not loaded",
        f"{error.path} がハブの示した内容と一致しないため、使用しません（受信: {error.found}、期待値: {error.expected}）",
        "Run the same command again. If it repeats, something between you and the hub alters files: try another network.",
        "同じコマンドをもう一度実行してください。繰り返す場合は、通信経路でファイルが書き換えられているおそれがあります。別のネットワークでお試しください。",
    )


def _cut_off(name: HubName, error: BaseException) -> LabError | None:
    if not isinstance(error, CutOff):
        return None
    done, size = error.arrived / 1e6, error.size / 1e6
    return cannot_load(
        name,
        f"the connection broke again and again, at {done:,.1f} of {size:,.1f} MB of {error.path}",
        f"接続が繰り返し途切れました（{error.path}: {size:,.1f} MB のうち {done:,.1f} MB まで受信）",
        "Run the same command again: it goes on from there. Or give a local folder with --model.",
        "同じコマンドをもう一度実行すると、続きから再開します。--model にローカルフォルダーを指定することもできます。",
    )


def _unreachable(name: HubName, error: BaseException) -> LabError | None:
    """There was no answer at all."""
    from huggingface_hub.errors import HTTPError

    if not isinstance(error, HTTPError) or status_of(error) is not None:
        return None
    kind, text = type(error).__name__, str(error)
    en, ja = "the hub cannot be reached", "ハブに接続できません"
    if "Timeout" in kind:
        en, ja = "the hub does not answer in time", "ハブから時間内に応答がありません"
    elif "CERTIFICATE" in text.upper():
        en, ja = "the hub's certificate cannot be verified", "ハブの証明書を検証できません"
    elif kind == "ProxyError":
        en, ja = "the proxy refuses the way to the hub", "プロキシがハブへの接続を拒否しました"
    return cannot_load(
        name,
        en,
        ja,
        "Check the network (HTTPS_PROXY, HF_ENDPOINT), or give a local folder with --model.",
        "ネットワーク設定（HTTPS_PROXY、HF_ENDPOINT）を確認するか、--model にローカルフォルダーを指定してください。",
    )


def _no_hub(name: HubName, error: BaseException) -> LabError | None:
    if not isinstance(error, NoHub):
        return None
    from huggingface_hub import constants

    return cannot_load(
        name,
        f"what answers at {constants.ENDPOINT} is no hub",
        f"{constants.ENDPOINT} からの応答がハブのものではありません",
        "Log in to the network if it shows a page of its own in the browser, and look at HF_ENDPOINT.",
        "ブラウザーにネットワークのログイン画面が出ていないか、HF_ENDPOINT が正しいかを確認してください。",
    )


def _not_here(name: HubName, error: BaseException) -> LabError | None:
    from huggingface_hub.errors import LocalEntryNotFoundError, OfflineModeIsEnabled

    if isinstance(error, (LocalEntryNotFoundError, OfflineModeIsEnabled)):
        return not_on_this_machine(name)
    return None


def not_on_this_machine(name: HubName) -> MissingDependency:
    """The network is switched off, and the cache does not hold the model."""
    return cannot_load(
        name,
        "it is not on this machine, and the network is switched off (HF_HUB_OFFLINE)",
        "このマシンに保存されておらず、ネットワークも無効になっています（HF_HUB_OFFLINE）",
        "Unset HF_HUB_OFFLINE to download it, or give a local folder with --model.",
        "HF_HUB_OFFLINE を解除してダウンロードするか、--model にローカルフォルダーを指定してください。",
    )


def damaged_in_cache(name: HubName, file: Path) -> MissingDependency:
    """Weights in the cache are not what their hash says, and there is no network to fetch them anew."""
    return cannot_load(
        name,
        f"{file} is damaged (its sha256 is another), and the network is switched off (HF_HUB_OFFLINE)",
        f"{file} が壊れており（sha256 が一致しません）、ネットワークも無効になっています（HF_HUB_OFFLINE）",
        "Unset HF_HUB_OFFLINE to download it again, or give a local folder with --model.",
        "HF_HUB_OFFLINE を解除してダウンロードし直すか、--model にローカルフォルダーを指定してください。",
    )


def _disk(name: HubName, error: BaseException, place: Path | None) -> LabError | None:
    """What the system says of the folder: full, forbidden, or no folder at all."""
    if not isinstance(error, OSError) or error.errno is None:
        return None
    elsewhere = (
        say("choose a folder on another disk", "別のディスクのフォルダーを指定して")
        if place
        else say("point HF_HOME to another disk", "環境変数 HF_HOME で別のディスクを指定して")
    )
    place = place or cache_folder()
    if is_full(error):
        return BadInput(
            say(
                f"the disk became full while '{name}' was downloaded",
                f"「{name}」のダウンロード中にディスクの空きがなくなりました",
            ),
            say(
                f"Free some space on {place}, or {elsewhere}; what has arrived is kept.",
                f"{place} の空き容量を増やすか、{elsewhere}ください。受信済みの部分は残ります。",
            ),
        )
    return BadInput(
        say(
            f"{error.filename or place} cannot be used for '{name}' ({error.strerror or error})",
            f"「{name}」の保存先 {error.filename or place} を使えません（{error.strerror or error}）",
        ),
        say(
            f"See that the folder is yours to write to, or {elsewhere}.",
            f"フォルダーに書き込めることを確認するか、{elsewhere}ください。",
        ),
    )
