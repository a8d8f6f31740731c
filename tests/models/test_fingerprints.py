"""A base is known again in whatever format it lies: a T4's adapter on a CPU, a CPU's on an A100."""

import itertools

import pytest
import torch
from peft import LoraConfig, get_peft_model

from lab_helpers.models.adapters import load_adapter, save_adapter
from lab_helpers.models.fingerprints import fingerprint, is_another_base, note_base
from lab_helpers.models.language_models import load_language_model
from lab_helpers.runtime.errors import BadInput

DTYPES = (torch.float32, torch.bfloat16, torch.float16)
PAIRS = list(itertools.product(DTYPES, DTYPES))


class Base(torch.nn.Module):
    """Token vectors as a file of one dtype holds them, loaded in another; tiny ones among them."""

    def __init__(self, stored: torch.dtype, loaded: torch.dtype, seed: int = 0):
        super().__init__()
        numbers = torch.randn(50, 32, generator=torch.Generator().manual_seed(seed)) * 0.02
        numbers[::7] *= 1e-4  # below what fp16 holds exactly
        self.embed = torch.nn.Embedding(50, 32)
        self.embed.weight.data = numbers.to(stored).to(loaded)

    def get_input_embeddings(self):
        return self.embed


@pytest.mark.parametrize(("trained", "loaded"), PAIRS, ids=str)
@pytest.mark.parametrize("stored", [torch.bfloat16, torch.float16, torch.float32], ids=str)
def test_one_base_is_never_taken_for_another(stored, trained, loaded):
    assert not is_another_base(Base(stored, loaded), note_base(Base(stored, trained)))


@pytest.mark.parametrize(("trained", "loaded"), PAIRS, ids=str)
def test_another_base_is_told_wherever_one_copy_is_the_rounding_of_the_other(trained, loaded):
    noted = note_base(Base(torch.bfloat16, trained))
    other = Base(torch.bfloat16, loaded, seed=1)
    unsure = {trained, loaded} == {torch.bfloat16, torch.float16}
    assert is_another_base(other, noted) is not unsure


def test_a_small_change_is_another_base():
    changed = Base(torch.float32, torch.float32)
    with torch.no_grad():
        changed.embed.weight[-1, -1] += 0.01
    assert is_another_base(changed, note_base(Base(torch.float32, torch.float16)))


def test_notes_of_earlier_versions_hold_the_float32_fingerprint_alone():
    plain = Base(torch.float32, torch.float32)
    noted = {"sha256": fingerprint(plain)}
    assert not is_another_base(plain, noted)
    assert is_another_base(Base(torch.float32, torch.float32, seed=1), noted)
    assert not is_another_base(Base(torch.float32, torch.float16), noted), "nothing is sure"
    assert not is_another_base(plain, {})


@pytest.mark.parametrize(
    ("trained", "loaded"),
    [(torch.float16, torch.float32), (torch.float32, torch.bfloat16)],
    ids=["from a T4 to a laptop", "from a laptop to an A100"],
)
def test_an_adapter_goes_from_machine_to_machine(tiny_chat_model, tmp_path, trained, loaded):
    def load(dtype):
        return load_language_model(str(tiny_chat_model), dtype=dtype)[0]

    config = LoraConfig(r=2, target_modules=["q_proj"], init_lora_weights=False)
    tuned = get_peft_model(load(trained), config).eval()
    save_adapter(tuned, tmp_path)
    assert {p.dtype for n, p in tuned.named_parameters() if "lora_" in n} == {torch.float32}
    again = load_adapter(load(loaded), tmp_path)
    ids = torch.tensor([[5, 6, 7]])
    with torch.no_grad():
        said, before = again(ids).logits.float(), tuned(ids).logits.float()
    assert torch.allclose(said, before, atol=0.1 * float(before.abs().max()))
    other = load(loaded)
    with torch.no_grad():
        other.get_input_embeddings().weight[0, 0] += 1
    with pytest.raises(BadInput, match="another base"):
        load_adapter(other, tmp_path)
