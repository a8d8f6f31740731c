"""``labs bundle``: everything a room without internet needs, in one folder; and whether it arrived whole."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from lab_helpers.cli.options import Language, progress_bar, speak
from lab_helpers.runtime.errors import EXIT_DONE, EXIT_MISSING
from lab_helpers.runtime.language import say


def bundle(
    folder: Annotated[
        Path,
        typer.Argument(
            help=say(
                "The folder to make, to complete or to verify.",
                "作成、補完、または検証するフォルダー。",
            )
        ),
    ],
    models: Annotated[
        list[str] | None,
        typer.Option(
            help=say(
                "A model to carry: a local folder, or a hub name (owner/model, owner/model@revision); "
                "may be given several times.",
                "同梱するモデル。ローカルフォルダーかハブのモデル名（owner/model、owner/model@revision）。複数回指定できます。",
            )
        ),
    ] = None,
    profile: Annotated[
        str | None,
        typer.Option(
            help=say(
                "Carry the models of this profile too, such as t4.",
                "このプロファイルのモデルも同梱します（例: t4）。",
            )
        ),
    ] = None,
    wheels: Annotated[
        bool,
        typer.Option(
            help=say(
                "Carry the course and its pinned packages as wheels.",
                "講座と、バージョンを固定したパッケージをホイールで同梱します。",
            )
        ),
    ] = True,
    deps: Annotated[
        bool,
        typer.Option(
            help=say(
                "Carry the packages that the course needs, not it alone.",
                "講座だけでなく、必要なパッケージも同梱します。",
            )
        ),
    ] = True,
    verify: Annotated[
        bool,
        typer.Option(
            "--verify",
            help=say(
                "Only compare every file with its SHA-256.",
                "全ファイルを SHA-256 と照合するだけです。",
            ),
        ),
    ] = False,
    lang: Language = None,
) -> None:
    """Packages, notebooks, data and models for machines without internet, hashed; run again, it goes on."""
    speak(lang)
    if verify:
        sys.exit(_verify(folder))
    from lab_helpers.course.classroom.bundle import BundleOrder, make_bundle

    order = BundleOrder(tuple(models or ()), profile, wheels, deps)
    with progress_bar():
        manifest = make_bundle(folder, order)
    _show(folder, manifest)


def _verify(folder: Path) -> int:
    from lab_helpers.course.classroom.manifest import find_faults, read_manifest

    manifest = read_manifest(folder)
    with progress_bar():
        faults = find_faults(folder, manifest)
    for fault in faults:
        print(fault)
    count = len(manifest["files"])
    if not faults:
        print(
            say(
                f"All {count} files are as they were made.",
                f"{count} ファイルすべてが作成時と一致しました。",
            )
        )
        return EXIT_DONE
    told = say(
        f"labs: {len(faults)} of {count} files are not as they were made. Copy them again, or run labs bundle {folder} where there is network.",
        f"labs: {count} ファイルのうち {len(faults)} 件が作成時と一致しません。コピーし直すか、ネットワークのある環境で labs bundle {folder} を実行してください。",
    )
    print(told, file=sys.stderr)
    return EXIT_MISSING


def _show(folder: Path, manifest: dict) -> None:
    from lab_helpers.course.classroom.guide import install_steps
    from lab_helpers.course.classroom.manifest import GUIDE

    size = sum(entry["bytes"] for entry in manifest["files"].values()) / 1e9
    count = len(manifest["files"])
    print(
        say(
            f"{folder}: {count} files, {size:.2f} GB, each with its SHA-256.",
            f"{folder}: {count} ファイル、{size:.2f} GB（すべて SHA-256 付き）",
        )
    )
    for model in manifest["models"]:
        print(
            f"  {model['folder']}" + (f" ({model['revision'][:12]})" if model["revision"] else "")
        )
    if manifest["wheels"]:
        print(
            say(
                "On a machine without internet, in this folder:",
                "インターネットのないマシンでは、このフォルダーで次を実行します。",
            )
        )
        for step in install_steps(manifest, windows=sys.platform == "win32"):
            print(f"  {step}")
    print("  labs doctor --classroom --bundle .")
    print(say(f"The same stands in {folder / GUIDE}.", f"手順は {folder / GUIDE} にもあります。"))
