"""How to install from a bundle without network, in both languages: README.txt, and what is printed."""

from lab_helpers.course.classroom.manifest import machine_words
from lab_helpers.course.classroom.wheels import COURSE, EXTRA

_FROM_HERE = "-m pip install --no-index --find-links wheels"

_EN = """LLM fine-tuning, nothing taken on trust: what a room without internet needs
===========================================================================

Made on {made} for {made_for}. The machines of the room need the same system,
and Python {python}: packages of one Python version do not install on another.

1. Copy this folder to each machine (USB stick, shared drive).

2. See whether it has arrived whole, in this folder:
     Linux      sha256sum --check --quiet SHA256SUMS
     macOS      shasum -a 256 --check --quiet SHA256SUMS
     anywhere   labs bundle --verify .     (after step 3)

3. {install}

4. Look at the machine; every problem comes with its way out:
     labs doctor --classroom --bundle .
   With --json it prints one line, to be collected from all machines.

5. Start:
     labs start
{models}"""

_JA = """LLM ファインチューニング講座: インターネットのない教室に必要なもの
===========================================================================

{made} に {made_for} 向けに作成しました。教室のマシンには、同じ OS と
Python {python} が必要です。別のバージョンの Python にはインストールできません。

1. このフォルダーを各マシンにコピーします（USB メモリー、共有ドライブなど）。

2. 欠けや破損がないか、このフォルダーで確認します。
     Linux      sha256sum --check --quiet SHA256SUMS
     macOS      shasum -a 256 --check --quiet SHA256SUMS
     共通       labs bundle --verify .     （手順 3 のあと）

3. {install}

4. マシンを診断します。問題があれば、対処法も表示されます。
     labs doctor --classroom --bundle .
   --json を付けると結果が 1 行で出力され、全マシン分をまとめて集められます。

5. 講座を始めます。
     labs start --lang ja
{models}"""

_WITH_PACKAGES = (
    "Install, in this folder, without network:",
    "このフォルダーで、ネットワークを使わずにインストールします。",
)
_WITHOUT_PACKAGES = (
    "Install the course: this bundle was made without its packages (--no-wheels).",
    "講座をインストールします（このバンドルは --no-wheels で作成したため、パッケージを含みません）。",
)
_MODEL = (
    "   A model of this bundle in lab NN:",
    "   このバンドルのモデルをラボ NN で使うには:",
)


def guide(about: dict) -> str:
    """README.txt: English, then Japanese."""
    return "\n\n".join(_fill(text, about, number) for number, text in enumerate((_EN, _JA)))


def install_steps(about: dict, windows: bool) -> list[str]:
    """The commands that install from the folder of a bundle, and open the environment."""
    bin_folder = "labs-env\\Scripts\\" if windows else "labs-env/bin/"
    pip = f"{bin_folder}python {_FROM_HERE}"
    alone = [f"{pip} --no-deps {' '.join(about['wheels'].get('alone', []))}"]
    return [
        "py -m venv labs-env" if windows else "python3 -m venv labs-env",
        f'{pip} --constraint constraints.txt "{COURSE}{EXTRA}"',  # some shells read brackets
        *(alone if about["wheels"].get("alone") else []),
        f"{bin_folder}Activate.ps1" if windows else f". {bin_folder}activate",
    ]


def _fill(text: str, about: dict, language: int) -> str:
    install = _WITHOUT_PACKAGES[language]
    if about["wheels"]:
        systems = (("Linux, macOS", False), ("Windows (PowerShell)", True))
        steps = (
            f"     {name}\n" + "".join(f"       {step}\n" for step in install_steps(about, windows))
            for name, windows in systems
        )
        install = f"{_WITH_PACKAGES[language]}\n{''.join(steps)}".rstrip("\n")
    models = "".join(f"     labs run NN --model {_quoted(one)}\n" for one in about["models"])
    return text.format(
        made=about["made"],
        made_for=machine_words(about["made_for"]),
        python=about["made_for"]["python"],
        install=install,
        models=f"{_MODEL[language]}\n{models}" if models else "",
    )


def _quoted(model: dict) -> str:
    return f'"{model["folder"]}"' if " " in model["folder"] else model["folder"]
