"""What is raised where a value cannot become turns."""


class NotMessages(ValueError):
    """A value that cannot become messages; ``code`` is a problem's code, ``detail`` the place."""

    def __init__(self, code: str, detail: str):
        self.code, self.detail = code, detail
        super().__init__(f"{code}: {detail}")
