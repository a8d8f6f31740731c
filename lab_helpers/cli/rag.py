"""``labs rag``: index a folder of documents, ask it, list it, forget a document."""

import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lab_helpers.cli.options import AsJson, Language, progress_bar, speak
from lab_helpers.cli.rag_output import (
    answer_dict,
    document_problem_dict,
    show_answer,
    show_document_problems,
    show_summary,
)
from lab_helpers.cli.rag_store import embedder_for, make_chunker, open_store
from lab_helpers.cli.typer_words import HelpedCommand, HelpedGroup
from lab_helpers.runtime.errors import EXIT_DONE, EXIT_OUTSIDE_BAND, BadInput
from lab_helpers.runtime.language import say

if TYPE_CHECKING:
    pass

rag_app = typer.Typer(
    cls=HelpedGroup,
    no_args_is_help=True,
    help=say(
        "Your own documents: index a folder, ask it, and get an answer with numbered sources.",
        "自分の文書で使います。フォルダーを索引に入れて質問すると、番号付きの出典とともに答えます。",
    ),
)
StorePath = Annotated[
    str,
    typer.Option(
        "--store",
        help=say(
            "A folder, or object storage (s3://bucket/path; keys and endpoint from the AWS_… variables), "
            "or a LanceDB server (db://name; LANCEDB_API_KEY).",
            "フォルダー、オブジェクトストレージ（s3://bucket/path。鍵とエンドポイントは環境変数 AWS_…）、または LanceDB サーバー（db://name。環境変数 LANCEDB_API_KEY）。",
        ),
    ),
]


@rag_app.command(
    cls=HelpedCommand,
    help=say(
        "Take a folder's documents into a store. Unchanged ones cost nothing; interrupted, run it again.\n\n"
        "Exit code 0: every file was read; 1: some could not be, and the others are in the store.",
        "フォルダーの文書をストアに入れます。変わっていない文書に手間はかかりません。中断したら、もう一度実行してください。\n\n"
        "終了コード: 0 すべてのファイルを読めた、1 読めないファイルがあった（残りはストアに入っています）。",
    ),
)
def index(
    folder: Annotated[
        Path,
        typer.Argument(
            help=say(
                "Folder of .txt, .md, .html and .pdf files.",
                ".txt、.md、.html、.pdf ファイルの入ったフォルダー。",
            )
        ),
    ],
    store: StorePath,
    embedder: Annotated[
        str | None,
        typer.Option(
            help=say(
                "minilm (English), e5 (multilingual-e5-small, about 100 languages), a sentence-transformers "
                "folder or a hub name. Without it the store's own; for a new one e5 if a document is Japanese.",
                "minilm（英語）、e5（multilingual-e5-small、約 100 言語）、sentence-transformers のフォルダー、またはハブのモデル名。省略するとストアを作ったときのもの。新しいストアでは、日本語の文書があれば e5 を使います。",
            )
        ),
    ] = None,
    largest: Annotated[
        float, typer.Option(help=say("Largest file in MB.", "ファイルの大きさの上限（MB）。"))
    ] = 20.0,
    by: Annotated[
        str,
        typer.Option(help=say("Cut by sentences or tokens.", "分割の単位。sentences か tokens。")),
    ] = "sentences",
    size: Annotated[
        int, typer.Option(help=say("Tokens of a chunk, at most.", "1 チャンクの最大トークン数。"))
    ] = 48,
    overlap: Annotated[
        int,
        typer.Option(
            help=say(
                "Sentences or tokens repeated from the chunk before.",
                "前のチャンクと重ねる文またはトークンの数。",
            )
        ),
    ] = 0,
    as_json: AsJson = False,
    lang: Language = None,
) -> None:
    """Take a folder's documents into a store. Unchanged ones cost nothing; interrupted, run it again.

    Exit code 0: every file was read; 1: some could not be, and the others are in the store.
    """
    from lab_helpers.rag.chunks import find_truncated
    from lab_helpers.rag.documents import read_folder
    from lab_helpers.rag.store import Store

    speak(lang)
    with progress_bar():
        reading = read_folder(folder, int(largest * 1e6))
        model = embedder_for(store, embedder, reading.documents)
        cut = make_chunker(by, size, overlap, model.tokenizer)
        # Cut before the store is made: a wrong size must not leave an empty store behind.
        chunks = [chunk for document in reading.documents for chunk in cut(document)]
        opened = Store(store, model, chunker=cut)
        done = opened.add(reading.documents)
    too_long = len(find_truncated(chunks, model))
    gone = sorted(set(opened.documents()) - {document.id for document in reading.documents})
    summary = asdict(done) | {
        "store": store,
        "embedder": model.name,
        "chunks_in_store": opened.count(),
        "chunks_cut_by_embedder": too_long,
        "not_in_folder": gone,
    }
    if as_json:
        problems = [document_problem_dict(problem) for problem in reading.problems]
        print(json.dumps(summary | {"problems": problems}, ensure_ascii=False))
    else:
        show_document_problems(reading.problems)
        show_summary(summary, model.max_tokens)
    failed = any(problem.severity == "error" for problem in reading.problems)
    sys.exit(EXIT_OUTSIDE_BAND if failed else EXIT_DONE)


@rag_app.command(
    cls=HelpedCommand,
    help=say(
        "Answer from the store, with numbered sources.",
        "ストアの文書から、番号付きの出典とともに答えます。",
    ),
)
def ask(
    question: Annotated[
        str,
        typer.Argument(
            help=say("A question, in any language.", "質問。どの言語でもかまいません。")
        ),
    ],
    store: StorePath,
    model: Annotated[
        str | None,
        typer.Option(
            help=say(
                "A chat model; the profile's (kotori) by default.",
                "チャットモデル。既定はプロファイルのモデル（kotori）です。",
            )
        ),
    ] = None,
    adapter: Annotated[
        Path | None,
        typer.Option(
            help=say("Folder of an adapter to put on it.", "モデルに付けるアダプターのフォルダー。")
        ),
    ] = None,
    k: Annotated[
        int,
        typer.Option(
            "-k", min=1, help=say("Sources given to the model.", "モデルに渡す資料の件数。")
        ),
    ] = 3,
    mode: Annotated[
        str, typer.Option(help=say("hybrid, vector or text.", "hybrid、vector、text のいずれか。"))
    ] = "hybrid",
    threshold: Annotated[
        float | None,
        typer.Option(
            help=say(
                "Do not answer when the best source's score is below; choose it on "
                "questions of your own (choose_threshold).",
                "最も近い資料のスコアがこれを下回ったら答えません。自分の質問で決めてください（choose_threshold）。",
            )
        ),
    ] = None,
    score: Annotated[
        str,
        typer.Option(
            help=say(
                "The threshold's score: vector (cosine) or text (BM25).",
                "しきい値に使うスコア。vector（コサイン類似度）か text（BM25）。",
            )
        ),
    ] = "vector",
    instruct: Annotated[
        bool,
        typer.Option(
            help=say(
                "Tell the model to keep to the sources; for models that follow instructions.",
                "資料だけに基づいて答えるよう指示します。指示に従えるモデル向けです。",
            )
        ),
    ] = False,
    max_new_tokens: Annotated[
        int, typer.Option(min=1, help=say("Longest answer in tokens.", "回答の最大トークン数。"))
    ] = 96,
    as_json: AsJson = False,
    lang: Language = None,
) -> None:
    """Answer from the store, with numbered sources."""
    from lab_helpers.data.languages import detect_language
    from lab_helpers.models.adapters import load_base_with_adapter
    from lab_helpers.models.language_models import load_language_model
    from lab_helpers.rag.answer import answer
    from lab_helpers.rag.prompts import INSTRUCTIONS
    from lab_helpers.runtime.profiles import choose_profile

    speak(lang)
    if not question.strip():
        raise BadInput(
            say("the question is empty", "質問が空です"),
            say("Write one in quotation marks.", "質問を引用符で囲んで書いてください。"),
        )
    opened = open_store(store)
    name = model or choose_profile().language_model
    pair = load_base_with_adapter(name, adapter) if adapter else load_language_model(name)
    language = "ja" if detect_language(question) == "ja" else "en"
    found = answer(
        question,
        opened,
        *pair,
        k=k,
        mode=mode,
        threshold=threshold,
        by=score,
        language=language,
        system=INSTRUCTIONS[language] if instruct else None,
        max_new_tokens=max_new_tokens,
    )
    if as_json:
        print(json.dumps({"question": question, **answer_dict(found)}, ensure_ascii=False))
    else:
        show_answer(found)


@rag_app.command(
    cls=HelpedCommand,
    help=say(
        "Forget a document: its text leaves the store's files too. Nobody else may use the store meanwhile.",
        "文書を削除します。本文はストアのファイルからも消えます。実行中は、ほかからストアを使わないでください。",
    ),
)
def remove(
    document: Annotated[
        str,
        typer.Argument(
            help=say(
                "The document's id, as labs rag list shows it.",
                "文書の ID（labs rag list で表示されるもの）。",
            )
        ),
    ],
    store: StorePath,
    as_json: AsJson = False,
    lang: Language = None,
) -> None:
    """Forget a document: its text leaves the store's files too. Nobody else may use the store meanwhile."""

    speak(lang)
    opened = open_store(store)
    opened.remove(document)
    opened.purge()
    if as_json:
        print(json.dumps({"removed": document, "chunks_in_store": opened.count()}, ensure_ascii=False))  # fmt: skip
    else:
        print(say(f"Removed {document}.", f"{document} を削除しました。"))


@rag_app.command(
    "list",
    cls=HelpedCommand,
    help=say(
        "The documents in a store and their chunks.",
        "ストアにある文書とチャンクの数を表示します。",
    ),
)
def list_documents(store: StorePath, as_json: AsJson = False, lang: Language = None) -> None:
    """The documents in a store and their chunks."""
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    speak(lang)
    opened = open_store(store)
    documents = opened.documents()
    if as_json:
        print(json.dumps({"embedder": opened.embedder.name, "documents": documents}, ensure_ascii=False))  # fmt: skip
        return
    table = Table()
    table.add_column(say("document", "文書"))
    table.add_column(say("chunks", "チャンク"), justify="right")
    for name, chunks in documents.items():
        table.add_row(escape(name), str(chunks))
    Console().print(table)
