"""``labs list``: the labs, what each teaches, how long it takes, your progress."""

from lab_helpers.cli.options import Language, speak


def list_labs(lang: Language = None) -> None:
    """The labs, what each teaches, seconds on a 2-core CPU, your progress."""
    from rich.console import Console
    from rich.table import Table

    from lab_helpers.cli.line_breaks import breakable
    from lab_helpers.course import progress
    from lab_helpers.course.registry import LABS
    from lab_helpers.runtime.language import say

    speak(lang)
    table = Table()
    for heading in (
        "",
        say("lab", "ラボ"),
        say("teaches", "学ぶこと"),
        say("CPU", "CPU"),
        say("done", "進捗"),
    ):
        table.add_column(heading)
    for lab in LABS:
        names = [exercise.name for exercise in lab.exercises()]
        table.add_row(
            lab.number,
            breakable(str(lab.title)),
            breakable(str(lab.teaches)),
            say(f"{lab.cpu_seconds} s", f"{lab.cpu_seconds} 秒"),
            progress.summary(lab.number, names),
        )
    Console().print(table)
