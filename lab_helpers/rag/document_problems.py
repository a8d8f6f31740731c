"""What can be wrong with a document of a learner's folder: one sentence and one way out for each kind."""

from dataclasses import dataclass

from lab_helpers.data.forms.problems import Kind

# fmt: off
KINDS = {
    "empty": Kind("error", "holds no text", "文字がありません",
        "Fill it, or take it out of the folder.", "内容を書くか、フォルダーから取り除いてください。"),
    "unknown-type": Kind("error", "is of a type that is not read ({detail})", "対応していない形式です（{detail}）",
        "Save it as .txt, .md, .html or .pdf.", ".txt、.md、.html、.pdf のどれかで保存してください。"),
    "wrong-extension": Kind("error", "is not of the type that its name says ({detail})", "中身の形式が名前と違います（{detail}）",
        "Rename it to the type that it is.", "中身に合った拡張子に直してください。"),
    "pointer": Kind("error", "is a Git LFS pointer: it only says where the document is", "Git LFS のポインターで、文書の本体ではありません",
        "Fetch the file itself: git lfs pull, or the download button of its page.", "git lfs pull かページのダウンロードボタンで、ファイル本体を取得してください。"),
    "page": Kind("error", "is a web page (HTML), not plain text", "プレーンテキストではなくウェブページ（HTML）です",
        "Rename it to .html, or download the file again if it is a server's error message.", ".html に名前を変えるか、サーバーのエラーページならファイルをダウンロードし直してください。"),
    "binary": Kind("error", "is a binary file, not text", "テキストではなくバイナリファイルです",
        "Save its text as .txt, .md, .html or .pdf.", "本文を .txt、.md、.html、.pdf で保存してください。"),
    "encoding": Kind("error", "cannot be read as text ({detail})", "文字として読めません（{detail}）",
        "Save it as UTF-8.", "UTF-8 で保存してください。"),
    "encrypted": Kind("error", "is an encrypted PDF", "暗号化された PDF です",
        "Save a copy without a password.", "パスワードなしで保存し直してください。"),
    "no-text": Kind("error", "is a PDF without text: pictures of pages, probably scanned", "文字のない PDF です（スキャン画像と思われます）",
        "Run a text recognition (OCR) over it first.", "先に文字認識（OCR）にかけてください。"),
    "no-characters": Kind("error", "is a PDF whose fonts do not say which characters they draw ({detail} of its letters)", "フォントに文字の対応表がなく、どの文字か分からない PDF です（{detail}）",
        "Run a text recognition (OCR) over it, or export it again.", "文字認識（OCR）にかけるか、書き出し直してください。"),
    "garbled": Kind("error", "is garbled, not readable text ({detail})", "文字化けしていて読めません（{detail}）",
        "Look at what it holds, and export its source again as UTF-8.", "中身を確かめ、元のデータを UTF-8 で書き出し直してください。"),
    "damaged": Kind("error", "is damaged ({detail})", "壊れています（{detail}）",
        "Export or download it again.", "書き出すか、ダウンロードし直してください。"),
    "huge": Kind("error", "is too large ({detail})", "大きすぎます（{detail}）",
        "Split it, or raise the limit (largest=, --largest).", "分割するか、上限を上げてください（largest=、--largest）。"),
    "unreadable": Kind("error", "cannot be opened ({detail})", "開けません（{detail}）",
        "Check its permissions, or that the link leads somewhere.", "権限やリンク先を確かめてください。"),
    "duplicate": Kind("warning", "says the same as {detail}, which is kept", "{detail} と同じ内容です（そちらを残します）",
        "Delete one of the two.", "どちらかを削除してください。"),
    "other-encoding": Kind("warning", "is not UTF-8; it was read as {detail}", "UTF-8 ではないため、{detail} として読みました",
        "Look at its text once, or save it as UTF-8.", "本文を一度確かめるか、UTF-8 で保存してください。"),
    "lost-bytes": Kind("warning", "has bytes that are no characters ({detail}); each became \ufffd", "文字にならないバイトがあります（{detail}）。\ufffd で置き換えました",
        "Export the source again as UTF-8.", "元のデータを UTF-8 で書き出し直してください。"),
    "pages-without-text": Kind("warning", "has pages without text ({detail}), probably scanned", "文字のないページがあります（{detail}、スキャン画像と思われます）",
        "Run a text recognition (OCR) over them.", "そのページを文字認識（OCR）にかけてください。"),
    "pages-without-characters": Kind("warning", "has pages whose fonts do not say which characters they draw ({detail}); they are left out", "フォントに文字の対応表がなく読めないページがあります（{detail}）。これらは除きました",
        "Run a text recognition (OCR) over them, or export the PDF again.", "そのページを文字認識（OCR）にかけるか、PDF を書き出し直してください。"),
    "pages-garbled": Kind("warning", "has garbled pages ({detail}); they are left out", "文字化けしたページがあります（{detail}）。これらは除きました",
        "Export the PDF again, or run a text recognition (OCR) over them.", "PDF を書き出し直すか、そのページを文字認識（OCR）にかけてください。"),
    "unknown-letters": Kind("warning", "has letters whose character the PDF does not say ({detail}); each became \ufffd", "どの文字か分からない文字があります（{detail}）。\ufffd で置き換えました",
        "Export the PDF again, or run a text recognition (OCR) over it.", "PDF を書き出し直すか、文字認識（OCR）にかけてください。"),
    "partly-garbled": Kind("warning", "is garbled in places ({detail})", "一部が文字化けしています（{detail}）",
        "Look at these places, and export its source again as UTF-8.", "その部分を確かめ、元のデータを UTF-8 で書き出し直してください。"),
}
# fmt: on


@dataclass(frozen=True)
class DocumentProblem:
    """One finding about one file. ``severity`` is ``"error"`` (left out) or ``"warning"`` (kept)."""

    source: str
    code: str
    detail: str = ""

    @property
    def severity(self) -> str:
        return KINDS[self.code].severity

    @property
    def message(self) -> str:
        """Reads on from the name of the file."""
        return KINDS[self.code].en.format(detail=self.detail)

    def fix(self) -> str:
        """The way out, in English."""
        return KINDS[self.code].fix_en

    def in_japanese(self) -> tuple[str, str]:
        """Message and way out in Japanese."""
        kind = KINDS[self.code]
        return kind.ja.format(detail=self.detail), kind.fix_ja

    def __str__(self) -> str:
        return f"{self.source} {self.message}. {self.fix()}"


class Unusable(Exception):
    """A file that cannot become a document; carries the problem's code and detail."""

    def __init__(self, code: str, detail: str = ""):
        self.code, self.detail = code, detail
        super().__init__(f"{code}: {detail}")
