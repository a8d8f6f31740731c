"""Run the language-model labs' cells on a pretended card, and write down what they held.

    python tests/tiers/run_labs.py MACHINE OUT.json [LAB …]

A process of its own, because libraries remember what hardware they have seen. The tables are the
profile's own: rows, batches and lengths stay, and trainings stop after two steps, replies after three
tokens. The base is a random Qwen2 of a million parameters with Kotori's tokenizer, the encoder a random
BERT; programs that models write are not executed.
"""

import contextlib
import dataclasses
import functools
import gc
import json
import os
import sys
import tempfile
import time
import traceback
from pathlib import Path
from unittest import mock

os.environ |= {
    "HF_HUB_OFFLINE": "1",
    "HF_DATASETS_OFFLINE": "1",
    "LAB_LANG": "en",
    "MPLBACKEND": "agg",
    "TOKENIZERS_PARALLELISM": "false",
}
os.environ.pop("LAB_PROFILE", None)
os.environ.pop("CUDA_VISIBLE_DEVICES", None)  # which card is shown, the package says

from machines import LABS, MACHINES, Machine, real_model
from pretended_cuda import LEDGER, pretended_cuda
from watching import Base, watching

HIDDEN, MLP, BLOCKS = 64, 192, 2


def make_base(folder: Path) -> Path:
    """A random Qwen2 of a million parameters, multiples of a 4-bit block wide, with Kotori's tokenizer."""
    import torch
    from transformers import AutoTokenizer, GenerationConfig, Qwen2Config, Qwen2ForCausalLM

    from lab_helpers.models.kotori.shipped import kotori_folder

    tokenizer = AutoTokenizer.from_pretrained(kotori_folder())
    special = {"eos_token_id": tokenizer.eos_token_id, "pad_token_id": tokenizer.pad_token_id}
    torch.manual_seed(7)
    config = Qwen2Config(
        vocab_size=len(tokenizer),
        hidden_size=HIDDEN,
        intermediate_size=MLP,
        num_hidden_layers=BLOCKS,
        num_attention_heads=2,
        num_key_value_heads=1,
        max_position_embeddings=32_768,
        tie_word_embeddings=True,
        initializer_range=0.2,  # it says something else to every prompt
        bos_token_id=None,
        **special,
    )
    model = Qwen2ForCausalLM(config)
    model.generation_config = GenerationConfig(**special)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def kotori_words() -> int:
    """How many words the tokenizer knows that stands in for the real one."""
    from lab_helpers.models.language_models import load_chat_tokenizer

    return len(load_chat_tokenizer("kotori"))


def make_encoder(folder: Path) -> Path:
    """A random two-block BERT that reads letters."""
    import torch
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
    from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

    letters = [chr(code) for code in range(33, 127)]
    pieces = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", *letters, *(f"##{x}" for x in letters)]
    tokenizer = Tokenizer(
        models.WordPiece({piece: i for i, piece in enumerate(pieces)}, unk_token="[UNK]")
    )
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    names = {"unk_token": "[UNK]", "pad_token": "[PAD]", "cls_token": "[CLS]", "sep_token": "[SEP]"}
    PreTrainedTokenizerFast(tokenizer_object=tokenizer, **names).save_pretrained(folder)
    torch.manual_seed(7)
    config = BertConfig(
        vocab_size=len(pieces),
        hidden_size=16,
        intermediate_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        max_position_embeddings=512,
    )
    BertModel(config).save_pretrained(folder)
    return folder


def run_lab(number: str, machine: Machine, base: Path, encoder: Path) -> dict:
    """The lab's cells: samples, seconds, and the failure if there was one."""
    from lab_helpers.course.registry import get_lab
    from lab_helpers.course.running import run_program
    from lab_helpers.course.session import Request
    from lab_helpers.models.language_models import load_language_model
    from lab_helpers.runtime.profiles import load_profile

    profile = dataclasses.replace(
        load_profile(machine.profile), language_model=str(base), encoder=str(encoder)
    )
    started, error, samples = time.perf_counter(), "", []
    with tempfile.TemporaryDirectory() as home, _shortened(machine), _emptied_namespace():
        request = Request(profile, 0, Path(home))
        with mock.patch.dict(os.environ, {"LAB_HOME": home}), pretended_cuda(machine.card):
            model, tokenizer = load_language_model(str(base))
            shapes, LEDGER.vocabulary = Base.of(model), len(tokenizer)
            del model
            _forget()
            with watching(shapes, machine.collect) as watch:
                try:
                    run_program(get_lab(number).source, request)
                except BaseException:
                    printed = _printed(request)
                    error = f"{traceback.format_exc()}\n{printed[-6000:]}"
                samples = watch.rows
        sections = [] if request.opened is None else request.opened.run.sections
        metrics = {} if request.opened is None else request.opened.run.metrics
        del request
    _forget()
    return {
        "seconds": round(time.perf_counter() - started, 1),
        "error": error,
        "words": LEDGER.vocabulary,
        "elements": shapes.elements,
        "sides": shapes.sides,
        "samples": samples,
        "sections": [(row["title"], row["seconds"]) for row in sections],
        "metrics": len(metrics),
        "left": LEDGER.live["cuda"],
    }


@contextlib.contextmanager
def _emptied_namespace():
    """The cells' names, taken away at the end: widgets hold functions, and these the names around them."""
    from lab_helpers.course import running

    opened = running._as_main

    @contextlib.contextmanager
    def as_main():
        with opened() as namespace:
            try:
                yield namespace
            finally:
                namespace.clear()

    with mock.patch.object(running, "_as_main", as_main):
        yield


def _printed(request) -> str:
    if request.opened is None:
        return ""
    path = request.opened.run.folder / "output.txt"
    return path.read_text(encoding="utf-8") if path.is_file() else ""


def _forget() -> None:
    """What libraries and labs keep from one lab to the next."""
    from accelerate.state import AcceleratorState, GradientState, PartialState
    from ipywidgets import Widget

    from lab_helpers.labs.lab07 import search

    for state in (AcceleratorState, GradientState, PartialState):
        state._reset_state()
    search._loaded.cache_clear()
    Widget.close_all()
    gc.collect()


@contextlib.contextmanager
def _shortened(machine: Machine):
    """Nothing that a model writes is run, of the hostile programs none; short texts, and few models to count."""
    from lab_helpers.evaluation.benchmarks import humaneval
    from lab_helpers.evaluation.sandbox import Verdict
    from lab_helpers.labs.lab03 import memory, scoring
    from lab_helpers.labs.lab06 import benchmarks, leaks
    from lab_helpers.models import logits
    from lab_helpers.models.known_configs import model_config

    failed, real_words = Verdict("failed"), model_config(real_model(machine.profile)).vocab_size
    # As many rows at a time as beside the real model's vocabulary.
    most = int(logits.MOST_BYTES * kotori_words() / real_words)
    with contextlib.ExitStack() as stack:
        for owner, name, value in (
            (memory, "MODELS", ("Qwen2.5 0.5B", "Llama 3 8B", "Llama 3 70B")),
            (scoring, "perplexity", functools.partial(scoring.perplexity, documents=2)),
            (logits.row_pieces, "__defaults__", (most,)),
            (humaneval, "run_tests", lambda *_: failed),
            (leaks, "evaluate", lambda programs, _: [failed] * len(programs)),
            (benchmarks, "measure_hostile_programs", lambda: []),
            (benchmarks, "hostile_metrics", lambda _: {}),
        ):
            stack.enter_context(mock.patch.object(owner, name, value))
        yield


def main(machine: str, out: str, *labs: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        base, encoder = make_base(Path(folder) / "base"), make_encoder(Path(folder) / "encoder")
        found = {
            number: run_lab(number, MACHINES[machine], base, encoder) for number in labs or LABS
        }
    Path(out).write_text(json.dumps(found), encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
