"""What is raised where a value cannot become turns."""

from lab_helpers.data.forms.problems import KINDS
from lab_helpers.runtime.language import say


class NotMessages(ValueError):
    """A value that cannot become messages; ``code`` is a problem's code, ``detail`` the place."""

    def __init__(self, code: str, detail: str):
        self.code, self.detail = code, detail
        super().__init__(say(f"{code}: {detail}", KINDS[code].ja.format(detail=detail)))
