"""Kotori's architecture, a small Qwen2, and an initialisation with the induction head written in.

To copy, a Transformer needs two heads in a row (Olsson et al. 2022, "In-context Learning and
Induction Heads"): one in an early layer that writes beside each token which token stood before it,
and one in a later layer that looks for the place whose *previous* token is the *current* one, and
says again what stands there. Left to chance, a model of this size does not find the pair in the
time we have. So we write both down and let training refine them.
"""

import torch

PREVIOUS_TOKEN_HEADS = {0: 1, 1: 2}  # head of layer 0 → how many tokens back it looks
INDUCTION_HEADS = (0, 1)  # heads of layer 1
COPYING_HEADS = ((2, 0), (2, 1), (3, 0), (3, 1))  # (layer, head)
_NEIGHBOUR_PLANES = 5  # highest rotary frequencies: the ones that tell neighbours apart
_NEIGHBOUR_STRENGTH = 8.0  # length of the bias in each of these planes
_MATCH_STRENGTH = 3.2  # of queries and keys that compare tokens; chosen with the next by repetition
_COPY_STRENGTH = 0.6  # of what an induction head writes
EMBEDDING_STD = 0.0625  # token vectors of length 1 at width 256


def config(vocab_size: int, **sizes):
    """A ``Qwen2Config`` of Kotori's size; ``sizes`` override its fields."""
    from transformers import Qwen2Config

    settings = {
        "vocab_size": vocab_size,
        "hidden_size": 256,
        "intermediate_size": 704,
        "num_hidden_layers": 5,
        "num_attention_heads": 4,
        "num_key_value_heads": 4,
        "max_position_embeddings": 1024,
        "rope_parameters": {"rope_type": "default", "rope_theta": 10000.0},
        "tie_word_embeddings": True,
        "bos_token_id": None,
        "eos_token_id": 2,
        "pad_token_id": 0,
        "use_cache": True,
    }
    return Qwen2Config(**(settings | sizes))


def build(configuration, seed: int):
    """A float32 model with random weights by ``seed`` and the induction head in place."""
    from transformers import Qwen2ForCausalLM

    torch.manual_seed(seed)
    model = Qwen2ForCausalLM(configuration).float()
    with torch.no_grad():
        model.model.embed_tokens.weight.normal_(std=EMBEDDING_STD)
        code, place, *copies = _bases(model, 4)
        for head, back in PREVIOUS_TOKEN_HEADS.items():
            look_back(model, head, back)
        write_previous_token(model, 0, code, place)
        for number, (head, copied) in enumerate(zip(INDUCTION_HEADS, copies, strict=True)):
            match_and_copy(model, head, code, place, copied, number)
        for number, (layer, head) in enumerate(COPYING_HEADS):
            say_again(model, layer, head, (code, place, *copies)[number % 4])
    return model


def _bases(model, count: int) -> list[torch.Tensor]:
    """``count`` sets of orthonormal directions, each (head_dim, width); the first two do not overlap."""
    size, width = model.model.layers[0].self_attn.head_dim, model.config.hidden_size
    rows = torch.linalg.qr(torch.randn(width, width))[0]
    return [rows[(i * size) % width : (i * size) % width + size] for i in range(count)]


def look_back(model, head: int, back: int) -> None:
    """Make ``head`` of layer 0 attend ``back`` tokens back, whatever stands there.

    With query and key weights at zero only the biases speak, and the score of query position i and
    key position j is q·R(j−i)k with R the rotation of RoPE (Su et al. 2021, eq. 16). With k = u and
    q = R(−back)u it is |u|²·Σcos θ(j−i+back): largest at j = i − back. Qwen2 has these biases.
    """
    attention = model.model.layers[0].self_attn
    size, rows = attention.head_dim, _rows(attention, head)
    attention.q_proj.weight[rows] = 0.0
    attention.k_proj.weight[rows] = 0.0
    key, query = torch.zeros(size), torch.zeros(size)
    frequencies = model.model.rotary_emb.inv_freq[:_NEIGHBOUR_PLANES].float()
    for plane, frequency in enumerate(frequencies):
        key[plane] = _NEIGHBOUR_STRENGTH
        query[plane] = _NEIGHBOUR_STRENGTH * torch.cos(-back * frequency)
        query[plane + size // 2] = _NEIGHBOUR_STRENGTH * torch.sin(-back * frequency)
    attention.k_proj.bias[rows] = key
    attention.q_proj.bias[rows] = query


def write_previous_token(model, head: int, code: torch.Tensor, place: torch.Tensor) -> None:
    """Let ``head`` of layer 0 read a token's ``code`` and write it, at length 1, into ``place``."""
    attention = model.model.layers[0].self_attn
    rows = _rows(attention, head)
    attention.v_proj.weight[rows] = code
    attention.o_proj.weight[:, rows] = place.T / attention.head_dim**0.5


def match_and_copy(
    model, head: int, code: torch.Tensor, place: torch.Tensor, copied: torch.Tensor, half: int
) -> None:
    """Make ``head`` of layer 1 find where the current token stood, one before, and copy what is there.

    The query is the current token's ``code``, the key what stands in ``place``. Only the slowly
    turning half of the rotary planes is used, where some hundred positions of distance change
    little; each of two heads compares its own ``half`` of the code.
    """
    attention = model.model.layers[1].self_attn
    size, rows = attention.head_dim, _rows(attention, head)
    quarter = size // 4
    slow = [*range(quarter, size // 2), *range(size // 2 + quarter, size)]
    part = slice(half % 2 * size // 2, (half % 2 + 1) * size // 2)
    query, key = torch.zeros_like(code), torch.zeros_like(place)
    query[slow] = _MATCH_STRENGTH * code[part]
    key[slow] = _MATCH_STRENGTH * place[part]
    attention.q_proj.weight[rows] = query
    attention.k_proj.weight[rows] = key
    say_again(model, 1, head, copied)


def say_again(model, layer: int, head: int, copied: torch.Tensor) -> None:
    """Let a head write what it reads, in the directions ``copied``: the token, to be said again."""
    attention = model.model.layers[layer].self_attn
    rows = _rows(attention, head)
    attention.v_proj.weight[rows] = copied
    attention.o_proj.weight[:, rows] = _COPY_STRENGTH * copied.T


def _rows(attention, head: int) -> slice:
    return slice(head * attention.head_dim, (head + 1) * attention.head_dim)
