"""Files that come packed (``HumanEval.jsonl.gz``), unpacked for the time of one reading."""

import gzip
import shutil
import tempfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from lab_helpers.data.reading.not_data import check_start
from lab_helpers.runtime.errors import BadInput
from lab_helpers.runtime.language import say


@contextmanager
def unpacked(path: Path) -> Iterator[Path]:
    """``path`` itself, or for ``NAME.gz`` a temporary file ``NAME`` that is gone afterwards.

    Raises :class:`BadInput` for an archive that is missing, damaged or cut off.
    """
    path = Path(path)
    if path.suffix.lower() != ".gz":
        yield path
        return
    if not path.is_file():
        raise BadInput(
            say(f"no such file: {path}", f"ファイルが見つかりません: {path}"),
            say("Give the path of a .gz file.", ".gz ファイルのパスを指定してください。"),
        )
    with tempfile.TemporaryDirectory() as folder:
        plain = Path(folder) / path.stem
        try:
            check_start(path)
            if not path.stat().st_size:
                raise EOFError  # To gzip an empty file is an archive of nothing.
            with gzip.open(path) as packed, plain.open("wb") as stream:
                shutil.copyfileobj(packed, stream)
        except (EOFError, gzip.BadGzipFile, zlib.error):
            raise BadInput(
                say(
                    f"{path.name} is not a whole gzip archive",
                    f"{path.name} は gzip ファイルとして不完全です",
                ),
                say("Download it again.", "もう一度ダウンロードしてください。"),
            ) from None
        except OSError as error:
            raise BadInput(
                say(
                    f"cannot unpack {path.name} ({error.strerror or error})",
                    f"{path.name} を展開できません（{error.strerror or error}）",
                ),
                say(
                    "Check the file's permissions and the free disk space.",
                    "ファイルの権限とディスクの空き容量を確かめてください。",
                ),
            ) from None
        yield plain
