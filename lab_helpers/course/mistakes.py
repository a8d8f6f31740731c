"""In a notebook, a learner's mistake is one sentence, and no traceback."""

from lab_helpers.runtime.errors import LabError
from lab_helpers.tuning.trainer_config import explain_unknown_setting


def hide_tracebacks_of_mistakes() -> None:
    """In IPython, show a :class:`LabError`, and a trainer's unknown setting, as one sentence."""
    try:
        from IPython import get_ipython
    except ImportError:
        return
    shell = get_ipython()
    if shell is None:
        return

    def show(self, kind, error, trace, tb_offset=None):
        told = error if isinstance(error, LabError) else explain_unknown_setting(error)
        if told is None:  # some other TypeError: Python's own words, with the line
            self.showtraceback((kind, error, trace), tb_offset=tb_offset)
        else:
            print(f"✋ {told}")
        return []

    shell.set_custom_exc((LabError, TypeError), show)
