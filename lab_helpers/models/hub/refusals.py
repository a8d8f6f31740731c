"""What a hub's answers mean to the learner: gated, unknown, too many requests; one message each."""

import difflib
from contextlib import suppress

from lab_helpers.models.hub.names import HubName, cached_models
from lab_helpers.models.hub.patience import asked_wait, status_of
from lab_helpers.runtime.errors import BadInput, LabError, MissingDependency
from lab_helpers.runtime.language import say


def cannot_load(name: HubName, en: str, ja: str, way_en: str, way_ja: str) -> MissingDependency:
    """What is missing is on the other side of the line: exit code 3."""
    what = say(f"cannot load '{name}': {en}", f"「{name}」を読み込めません: {ja}")
    return MissingDependency(what, say(way_en, way_ja))


def bare_reason(error: LabError) -> str:
    """What :func:`cannot_load` was told, without the words before it."""
    return error.what.partition(": ")[2] or error.what


def explain_refusal(name: HubName, error: BaseException) -> LabError | None:
    """The hub knows who asks, or does not, and will not hand the model out."""
    from huggingface_hub.errors import DisabledRepoError, GatedRepoError, RevisionNotFoundError

    if isinstance(error, GatedRepoError):
        return _gated(name)
    if isinstance(error, DisabledRepoError):
        return BadInput(
            say(f"'{name}' was taken off the hub", f"「{name}」はハブで公開が停止されています"),
            say("Choose another model.", "別のモデルを選んでください。"),
        )
    if isinstance(error, RevisionNotFoundError):
        return BadInput(
            say(
                f"'{name.model}' has no revision '{name.revision}'",
                f"「{name.model}」にリビジョン「{name.revision}」はありません",
            ),
            say(
                "Give a branch, a tag or a commit that its page on the hub lists, or none.",
                "ハブのページにあるブランチ、タグ、コミットのいずれかを指定するか、指定を省いてください。",
            ),
        )
    return None


def explain_answer(name: HubName, error: BaseException) -> LabError | None:
    """The hub answered, and all that it said is a number."""
    from huggingface_hub import get_token
    from huggingface_hub.errors import RepositoryNotFoundError

    status = status_of(error)
    if status == 429:
        return _too_many(name, error)
    if status == 401 and get_token():
        return _bad_token(name)
    if isinstance(error, RepositoryNotFoundError) or status in (401, 404):
        return _unknown(name)
    if status == 403:
        return BadInput(
            say(f"the hub does not let you read '{name}'", f"「{name}」を読み取る権限がありません"),
            say(
                "Give your token the right to read it, or ask its owner.",
                "トークンに読み取り権限を付けるか、モデルの所有者に問い合わせてください。",
            ),
        )
    if status is not None and status >= 500:
        return cannot_load(
            name,
            f"the hub is down (HTTP {status})",
            f"ハブが停止しています（HTTP {status}）",
            "Try again later: what has arrived is kept. Or give a local folder with --model.",
            "時間をおいて再度実行してください。受信済みの部分は残ります。--model にローカルフォルダーを指定することもできます。",
        )
    return None


def _gated(name: HubName) -> BadInput:
    from huggingface_hub import constants, get_token

    page = f"{constants.ENDPOINT}/{name.model}"
    what = say(f"'{name}' is gated", f"「{name}」の利用には承認が必要です")
    if get_token():
        return BadInput(
            what,
            say(
                f"Accept its licence at {page} with the account of your token; some owners take a while to answer.",
                f"トークンを発行したアカウントで {page} を開き、ライセンスに同意してください。承認に時間がかかる場合もあります。",
            ),
        )
    return BadInput(
        what,
        say(
            f"Accept its licence at {page}, then log in with: hf auth login",
            f"{page} でライセンスに同意したうえで、hf auth login でログインしてください。",
        ),
    )


def _bad_token(name: HubName) -> BadInput:
    return BadInput(
        say(
            f"the hub refuses your token, so '{name}' cannot be fetched",
            f"トークンがハブに拒否されたため、「{name}」を取得できません",
        ),
        say(
            "Log in anew with hf auth login, and look whether HF_TOKEN holds an old one.",
            "hf auth login でログインし直してください。環境変数 HF_TOKEN に古いトークンが残っていないかも確認してください。",
        ),
    )


def _too_many(name: HubName, error: BaseException) -> LabError:
    seconds = asked_wait(error)
    en = "in a few minutes" if seconds is None else f"in {_duration(seconds)}"
    ja = "数分後" if seconds is None else f"{_duration(seconds)}後"
    return cannot_load(
        name,
        "the hub has had too many requests from this address",
        "このアドレスからのリクエストが多すぎるため、ハブに制限されています",
        f"Run the same command again {en}; a token (hf auth login) is allowed more requests.",
        f"{ja}に同じコマンドを実行してください。hf auth login でログインすると、上限が上がります。",
    )


def _duration(seconds: float) -> str:
    if seconds < 90:
        return say(f"{seconds:.0f} seconds", f"{seconds:.0f} 秒")
    return say(f"{seconds / 60:.0f} minutes", f"{seconds / 60:.0f} 分")


def _unknown(name: HubName) -> BadInput:
    near = _near_names(name.model)
    meant = say(f"Did you mean {near[0]}? ", f"「{near[0]}」のことでしょうか。") if near else ""
    return BadInput(
        say(
            f"the hub knows no model '{name.model}'",
            f"「{name.model}」というモデルはハブにありません",
        ),
        meant
        + say(
            "Names look like owner/model, capitals count; for a private one log in with: hf auth login",
            "名前は「所有者/モデル」の形で、大文字と小文字を区別します。非公開のモデルを使うには hf auth login でログインしてください。",
        ),
    )


def _near_names(model: str) -> list[str]:
    """Names of models that are written nearly so: on the hub, and in this machine's cache."""
    from huggingface_hub import HfApi

    owner, _, short = model.partition("/")
    found = cached_models()
    with suppress(Exception):  # a hint, no more
        found += [one.id for one in HfApi().list_models(search=short, limit=20)]
        found += [one.id for one in HfApi().list_models(author=owner, limit=20)]
    by_lower = {name.lower(): name for name in found if name != model}
    near = difflib.get_close_matches(model.lower(), by_lower, n=1, cutoff=0.6)
    return [by_lower[one] for one in near]
