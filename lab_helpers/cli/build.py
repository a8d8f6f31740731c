"""``labs build``: for maintainers, both editions of each notebook from its one source."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from lab_helpers.cli.options import Out
from lab_helpers.runtime.errors import EXIT_DONE, EXIT_OUTSIDE_BAND, BadInput
from lab_helpers.runtime.language import LANGUAGES, say


def build(
    names: Annotated[
        list[str] | None,
        typer.Argument(
            help=say(
                "Lab numbers; none means all that changed.",
                "ラボの番号。省略すると、変更のあったものすべて。",
            )
        ),
    ] = None,
    check: Annotated[
        bool,
        typer.Option(
            "--check",
            help=say(
                "Only say what differs; exit 1 if anything does.",
                "差分を表示するだけです。差分があれば終了コードは 1 になります。",
            ),
        ),
    ] = False,
    stamp: Annotated[
        bool,
        typer.Option(
            "--stamp",
            help=say("Accept the translations as they are now.", "現在の訳をそのまま承認します。"),
        ),
    ] = False,
    keep: Annotated[
        str | None,
        typer.Option(
            metavar="PROFILE",
            help=say(
                "Keep your newest runs under this profile as the course's own results.",
                "このプロファイルでの最新の実行を、講座付属の結果として保存します。",
            ),
        ),
    ] = None,
    repository: Annotated[
        str | None,
        typer.Option(
            metavar="OWNER/NAME",
            help=say(
                "Write where the course lies on GitHub to pyproject.toml and to the first cells of "
                "all notebooks; executes nothing.",
                "講座の GitHub 上の場所を pyproject.toml と全ノートブックの先頭セルに書き込みます。何も実行しません。",
            ),
        ),
    ] = None,
    out: Out = None,
    execute: Annotated[
        bool,
        typer.Option(
            help=say("Execute the cells for their outputs.", "セルを実行して出力を作ります。")
        ),
    ] = True,
    lang: Annotated[
        str | None,
        typer.Option(
            metavar="en|ja",
            help=say("Only the edition of this language.", "この言語の版だけをビルドします。"),
        ),
    ] = None,
) -> None:
    """For maintainers: write both editions of each notebook from labs/source."""
    from lab_helpers.course import notebooks, translations
    from lab_helpers.course.registry import get_lab

    if keep:
        _keep_results(names, keep, out)
        return
    if repository is not None:
        _set_repository(repository)
        return
    if lang not in (None, *LANGUAGES):
        raise BadInput(
            say(f"unknown language '{lang}'", f"「{lang}」という言語には対応していません"),
            say("Use en or ja.", "en か ja を指定してください。"),
        )
    wanted = {get_lab(name).number for name in names or []}
    paths = [path for path in notebooks.sources() if not wanted or path.name[:2] in wanted]
    if check:
        problems = [problem for path in paths for problem in _find_problems(path)]
        print(
            "\n".join(problems)
            or say(
                "All notebooks are what their sources build.",
                "すべてのノートブックがソースのビルド結果と一致しています。",
            )
        )
        sys.exit(EXIT_OUTSIDE_BAND if problems else EXIT_DONE)
    for path in paths:
        if stamp:
            count = translations.stamp_translations(path)
            print(
                say(
                    f"{path.name}: {count} translations stamped",
                    f"{path.name}: 訳を {count} 件承認しました",
                )
            )
        stale = translations.stale_translations(path)
        if stale:
            raise BadInput(
                "; ".join(stale),
                say(
                    "Translate them again, then: labs build --stamp",
                    "訳し直してから、次を実行してください: labs build --stamp",
                ),
            )
        if wanted or notebooks.needs_build(path):
            written = notebooks.build(path, execute, (lang,) if lang else LANGUAGES)
        else:
            written = notebooks.refresh_generated(path)
        print(*written, sep="\n", end="\n" if written else "")


def _keep_results(names: list[str] | None, profile: str, out: Path | None) -> None:
    from lab_helpers.course.registry import get_lab
    from lab_helpers.course.witnesses import keep_record
    from lab_helpers.runtime.profiles import load_profile

    if not names:
        raise BadInput(
            say("which labs' results?", "どのラボの結果を残すかが指定されていません"),
            say("For example: labs build 04 --keep small", "例: labs build 04 --keep small"),
        )
    for name in names:
        print(keep_record(get_lab(name).number, load_profile(profile).name, out))


def _set_repository(given: str) -> None:
    from lab_helpers.course import notebooks
    from lab_helpers.course.colab_cells import set_repository

    print(set_repository(given))
    for path in notebooks.sources():
        for written in notebooks.refresh_generated(path):
            print(written)


def _find_problems(path: Path) -> list[str]:
    """Stale translations of a source, and where the built notebooks differ from it."""
    from lab_helpers.course import notebooks, translations

    return [*translations.stale_translations(path), *notebooks.differences(path)]
