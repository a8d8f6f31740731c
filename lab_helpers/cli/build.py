"""``labs build``: for maintainers, both editions of each notebook from its one source."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from lab_helpers.cli.options import Out
from lab_helpers.runtime.errors import EXIT_DONE, EXIT_OUTSIDE_BAND, BadInput
from lab_helpers.runtime.language import LANGUAGES


def build(
    names: Annotated[
        list[str] | None, typer.Argument(help="Lab numbers; none means all that changed.")
    ] = None,
    check: Annotated[
        bool, typer.Option("--check", help="Only say what differs; exit 1 if anything does.")
    ] = False,
    stamp: Annotated[
        bool, typer.Option("--stamp", help="Accept the translations as they are now.")
    ] = False,
    keep: Annotated[
        str | None,
        typer.Option(
            metavar="PROFILE",
            help="Keep your newest runs under this profile as the course's own results.",
        ),
    ] = None,
    repository: Annotated[
        str | None,
        typer.Option(
            metavar="OWNER/NAME",
            help="Write where the course lies on GitHub to pyproject.toml and to the first cells of "
            "all notebooks; executes nothing.",
        ),
    ] = None,
    out: Out = None,
    execute: Annotated[bool, typer.Option(help="Execute the cells for their outputs.")] = True,
    lang: Annotated[
        str | None, typer.Option(metavar="en|ja", help="Only the edition of this language.")
    ] = None,
) -> None:
    """For maintainers: write both editions of each notebook from labs/source."""
    from lab_helpers.course import notebooks
    from lab_helpers.course.registry import get_lab

    if keep:
        _keep_results(names, keep, out)
        return
    if repository is not None:
        _set_repository(repository)
        return
    if lang not in (None, *LANGUAGES):
        raise BadInput(f"unknown language '{lang}'", "Use en or ja.")
    wanted = {get_lab(name).number for name in names or []}
    paths = [path for path in notebooks.sources() if not wanted or path.name[:2] in wanted]
    if check:
        problems = [problem for path in paths for problem in _find_problems(path)]
        print("\n".join(problems) or "All notebooks are what their sources build.")
        sys.exit(EXIT_OUTSIDE_BAND if problems else EXIT_DONE)
    for path in paths:
        if stamp:
            print(f"{path.name}: {notebooks.stamp_translations(path)} translations stamped")
        stale = notebooks.stale_translations(path)
        if stale:
            raise BadInput("; ".join(stale), "Translate them again, then: labs build --stamp")
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
        raise BadInput("which labs' results?", "For example: labs build 04 --keep small")
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
    from lab_helpers.course import notebooks

    return [*notebooks.stale_translations(path), *notebooks.differences(path)]
