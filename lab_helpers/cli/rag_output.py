"""How ``labs rag`` shows things: problems of files, what an ingest did, an answer with its sources."""

from typing import TYPE_CHECKING

from lab_helpers.cli.problems import problem_dict, show_problems

if TYPE_CHECKING:
    from lab_helpers.rag.answer import Answer
    from lab_helpers.rag.document_problems import DocumentProblem


def document_problem_dict(problem: "DocumentProblem") -> dict[str, str]:
    """A problem for ``--json``, with the file that has it."""
    return {"file": problem.source, **problem_dict(problem)}


def show_document_problems(problems: "list[DocumentProblem]") -> None:
    """The problems of files, and how many the table leaves out."""
    from lab_helpers.runtime.language import say

    places = [(problem.source, problem) for problem in problems]
    hidden = len(problems) - show_problems(places, say("file", "ファイル"))
    if hidden:
        print(say(f"and {hidden} more (--json has all)", f"ほか{hidden}件（--jsonですべて出ます）"))


def show_summary(summary: dict, max_tokens: int) -> None:
    """What the ingest did, and what the learner should know about the store."""
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    from lab_helpers.runtime.language import say

    table = Table(title=escape(summary["store"]), show_header=False)
    table.add_row(say("added", "追加"), str(summary["added"]))
    table.add_row(say("updated", "更新"), str(summary["updated"]))
    table.add_row(say("unchanged", "変更なし"), str(summary["unchanged"]))
    table.add_row(say("chunks embedded", "埋め込んだチャンク"), str(summary["chunks"]))
    table.add_row(say("chunks in the store", "ストアのチャンク"), str(summary["chunks_in_store"]))
    table.add_row(say("embedder", "埋め込みモデル"), escape(summary["embedder"]))
    screen = Console()
    screen.print(table)
    cut = summary["chunks_cut_by_embedder"]
    if cut:
        screen.print(
            say(
                f"[yellow]{cut} chunks are longer than the {max_tokens} tokens the embedder reads: "
                "their ends are not searched by meaning. Use a smaller --size.[/]",
                f"[yellow]{cut} 個のチャンクが、埋め込みモデルの読める {max_tokens} トークンを超えています。"
                "終わりの部分は意味では検索されません。--size を小さくしてください。[/]",
            )
        )
    if summary["not_in_folder"]:
        names = escape(", ".join(summary["not_in_folder"][:10]))
        screen.print(
            say(
                f"In the store but not in this folder: {names}. Forget one with: labs rag remove ID",
                f"このフォルダーにない文書がストアにあります：{names}。labs rag remove ID で削除できます。",
            )
        )


def answer_dict(found: "Answer") -> dict:
    """An answer for ``--json``; every source with its number and whether the answer cites it."""
    cited = {hit.id for hit in found.sources}
    sources = [
        {
            "number": number,
            "cited": hit.id in cited,
            "document": hit.document,
            "title": hit.title,
            "text": hit.text.strip(),
            "vector_score": hit.vector_score,
            "text_score": hit.text_score,
        }
        for number, hit in enumerate(found.hits, 1)
    ]
    return {"answer": found.text, "abstained": found.abstained, "sources": sources}


def show_answer(found: "Answer") -> None:
    """The answer, and the sources that the model was given."""
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    from lab_helpers.cli.line_breaks import breakable
    from lab_helpers.runtime.language import say

    screen = Console()
    screen.print(f"[bold]{escape(found.text)}[/]")
    table = Table()
    for heading in ("", say("document", "文書"), say("text", "本文"), "cosine", "BM25"):
        table.add_column(heading, overflow="fold")
    for source in answer_dict(found)["sources"]:
        number = f"[{source['number']}]" + ("*" if source["cited"] else "")
        table.add_row(
            escape(number),
            breakable(escape(source["document"])),
            breakable(escape(source["text"])),
            f"{source['vector_score']:.2f}",
            f"{source['text_score']:.1f}",
        )
    if found.hits:
        screen.print(table)
        screen.print(say("* cited in the answer", "* 答えで引用された資料"))
