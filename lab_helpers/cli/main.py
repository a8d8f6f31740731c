"""``labs``: the course from the command line. Heavy modules are imported inside the commands."""

import sys

import typer

from lab_helpers.cli.bench import bench
from lab_helpers.cli.build import build
from lab_helpers.cli.bundle import bundle
from lab_helpers.cli.chat import chat
from lab_helpers.cli.claims import claims
from lab_helpers.cli.data import data_app
from lab_helpers.cli.doctor import doctor
from lab_helpers.cli.eval import evaluate
from lab_helpers.cli.fit import fit
from lab_helpers.cli.list import list_labs
from lab_helpers.cli.pretrain import pretrain
from lab_helpers.cli.rag import rag_app
from lab_helpers.cli.report import report
from lab_helpers.cli.run import run
from lab_helpers.cli.start import start
from lab_helpers.runtime.errors import EXIT_BAD_INPUT, EXIT_INTERRUPTED, LabError

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="LLM fine-tuning, nothing taken on trust. Exit codes: 0 done, 1 a measurement is outside its band, "
    "2 bad input, 3 missing dependency or hardware, 130 interrupted.",
)
# The help page shows this order: the way through the course, one's own models, what maintainers need.
app.command("start")(start)
app.command("list")(list_labs)
app.command("run")(run)
app.command("doctor")(doctor)
app.command("claims")(claims)
app.command("report")(report)
app.command("chat")(chat)
app.command("fit")(fit)
app.command("eval")(evaluate)
app.add_typer(data_app, name="data")
app.add_typer(rag_app, name="rag")
app.command("bundle")(bundle)
app.command("build")(build)
app.command("pretrain")(pretrain)
app.command("bench")(bench)


def main() -> None:
    """Entry point: a user's mistake becomes one line on standard error and an exit code."""
    try:
        # Newer typer versions turn Ctrl-C into this return value, older ones into an exception.
        if app(standalone_mode=False) == EXIT_INTERRUPTED:
            raise KeyboardInterrupt
    except LabError as error:
        _fail(str(error), error.exit_code)
    except (KeyboardInterrupt, typer.Abort):
        _fail(
            "Interrupted. What was finished is kept: run the same command again to go on.",
            EXIT_INTERRUPTED,
        )
    except typer.Exit as request:
        sys.exit(request.exit_code)
    except Exception as error:
        if not hasattr(error, "format_message"):  # click's own usage errors have it
            raise
        _fail(f"{error.format_message()} See: labs --help", EXIT_BAD_INPUT)


def _fail(message: str, code: int) -> None:
    print(f"labs: {message}", file=sys.stderr)
    sys.exit(code)
