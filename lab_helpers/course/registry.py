"""The labs that exist. The only place of ``course/`` that names one: an entry here adds a lab."""

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from types import ModuleType

from lab_helpers.runtime.errors import BadInput
from lab_helpers.runtime.language import Text, say
from lab_helpers.runtime.paths import labs_folder
from lab_helpers.runtime.profiles import table_name


@dataclass(frozen=True)
class Lab:
    """``number`` "01", ``slug`` "transfer_learning"; ``cpu_seconds`` headless, as measured on 2 cores.

    ``model_kind`` says what ``--model`` takes: ``"language model"`` or ``"encoder"``. ``own_data``
    says what ``--data`` takes, ``data_options`` which :class:`ReadingOptions` help to read it; such a lab has
    a module ``own_data`` with ``check_own_data(path, options)`` and ``measure_own_data(run)``.
    """

    number: str
    slug: str
    title: Text
    teaches: Text
    cpu_seconds: int
    model_kind: str = "language model"
    own_data: Text | None = None
    data_options: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        return f"{self.number}_{self.slug}"

    @property
    def source(self) -> Path:
        """The lab itself: the one source of both editions and of the headless run."""
        return labs_folder() / "source" / f"{self.name}.py"

    def module(self, name: str) -> ModuleType:
        """``name`` in the lab's own folder, such as ``own_data``."""
        return import_module(f"lab_helpers.labs.{table_name(self.number)}.{name}")

    def exercises(self) -> tuple:
        return self.module("exercises").EXERCISES

    def questions(self) -> ModuleType:
        """The module with this lab's ``PREDICTIONS`` and ``QUIZ``."""
        return self.module("questions")

    def measure_own_data(self) -> Callable:
        """``measure_own_data(run)``: the lab's measurements on what ``--data`` gave."""
        return self.module("own_data").measure_own_data


LABS = (
    Lab(
        "00",
        "start_here",
        Text("Start here", "はじめに"),
        Text(
            "Check the machine, prompt a model, tune it in half a minute, switch the tuning off and on",
            "環境を確かめ、モデルに指示し、30 秒ほどで調整し、調整を切ったり戻したりする",
        ),
        83,
    ),
    Lab(
        "01",
        "transfer_learning",
        Text("Transfer learning", "転移学習"),
        Text(
            "Pre-trained against from scratch, what to freeze, what is forgotten, how to cure it",
            "事前学習の効果、どの層を凍結するか、何を忘れるか、どう防ぐか",
        ),
        280,
        model_kind="encoder",
        own_data=Text("labelled texts", "ラベルつきの文章"),
    ),
    Lab(
        "02",
        "lora_math",
        Text("The mathematics of LoRA", "LoRA の数理"),
        Text(
            "Why LoRA, LoRA by hand, parity with PEFT, merging, and its knobs measured: rate, rank, layers",
            "LoRA が必要な理由、手書きの LoRA、PEFT との一致、マージ、学習率・ランク・適用先の測定",
        ),
        209,
    ),
    Lab(
        "03",
        "qlora",
        Text("QLoRA", "QLoRA"),
        Text(
            "NF4 by hand, adapters over 4-bit weights, merging, and which model fits which GPU",
            "手書きの NF4、4 ビットの重みの上のアダプター、マージ、どのモデルがどの GPU に載るか",
        ),
        194,
    ),
    Lab(
        "04",
        "sft",
        Text("Supervised fine-tuning", "教師ありファインチューニング"),
        Text(
            "From a dirty file to a tuned assistant: cleaning, label mask, format against facts, forgetting",
            "汚れたファイルから調整済みアシスタントまで: 掃除、ラベルマスク、形式と事実、忘却",
        ),
        327,
        own_data=Text("conversations or questions with answers", "会話、または質問と回答"),
        data_options=("shape", "ignore", "max_length", "keep"),
    ),
    Lab(
        "05",
        "dpo",
        Text("Preference training: DPO", "選好による学習: DPO"),
        Text(
            "Which of two answers is better: DPO by hand and through TRL, refusals, displacement, length, memory",
            "2 つの回答の優劣から学ぶ: 手書きと TRL の DPO、回答の差し控え、尤度の変位、長さ、メモリー",
        ),
        250,
        own_data=Text("preference pairs", "選好ペア"),
        data_options=("shape", "ignore", "max_length"),
    ),
    Lab(
        "06",
        "evaluation",
        Text("Evaluation", "評価"),
        Text(
            "What a score is worth: text metrics, Japanese, benchmarks, judges, invented facts, leaks, one dashboard",
            "点数の値打ち: テキスト指標、日本語、ベンチマーク、審査員、作り話、テストの混入、ダッシュボード",
        ),
        144,
        own_data=Text("a benchmark file", "ベンチマークのファイル"),
        data_options=("answers",),
    ),
    Lab(
        "07",
        "rag_hybrid",
        Text("RAG and tuning together", "RAG とチューニングの併用"),
        Text(
            "Search in English and Japanese, answer with sources, abstain, RAFT, two by two, a price that changes",
            "日英の検索、出典つきの回答、差し控え、RAFT、2 × 2 の比較、変わる価格",
        ),
        299,
        own_data=Text("a folder of documents", "文書のフォルダー"),
    ),
    Lab(
        "08",
        "peft_methods",
        Text("PEFT methods", "PEFT の手法"),
        Text(
            "Nine methods on one task, faults without a word, several adapters on one base, settings by search",
            "9 つの手法の比較、静かな失敗、1 つのベースに複数のアダプター、探索による設定の選択",
        ),
        368,
    ),
)

# No lab to work through, but run and recorded like one: ``labs/base`` has its measurements.
BASE = Lab(
    "base",
    "base",
    Text("The base model", "ベースモデル"),
    Text(
        "What Kotori knows and can do before any tuning",
        "調整前の Kotori が知っていること、できること",
    ),
    63,
)


def get_lab(number: str) -> Lab:
    """Lab ``number``; "1" and "01_transfer_learning" are understood too, and "base"."""
    if number == BASE.number:
        return BASE
    wanted = number.split("_")[0]
    for lab in LABS:
        if wanted and lab.number == wanted.zfill(2):
            return lab
    raise BadInput(
        say(f"unknown lab '{number}'", f"「{number}」というラボはありません"),
        say(
            f"Use one of: {', '.join(lab.number for lab in LABS)}, base or all.",
            f"{'、'.join(lab.number for lab in LABS)}、base、all のいずれかを指定してください。",
        ),
    )
