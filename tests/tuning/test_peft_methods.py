"""The formulas of PEFT's other methods against PEFT itself."""

import copy

import pytest
import torch
from peft import AdaLoraConfig, IA3Config, LoraConfig, PromptTuningConfig, get_peft_model
from peft.utils.merge_utils import task_arithmetic
from torch import nn
from transformers import LlamaConfig, LlamaForCausalLM

from lab_helpers.tuning.peft_methods import (
    dora_weight,
    ia3_forward,
    merge_deltas,
    prepend_prompt,
    reallocation_steps,
)

N, D, K = 7, 10, 6


def random(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def base_layer(bias: bool = True) -> nn.Linear:
    torch.manual_seed(5)
    return nn.Linear(K, D, bias=bias)


def close(a: torch.Tensor, b: torch.Tensor, tolerance: float = 1e-5) -> bool:
    return a.shape == b.shape and torch.allclose(a, b, atol=tolerance, rtol=tolerance)


class TestIA3:
    @pytest.mark.parametrize("bias", [True, False])
    @pytest.mark.parametrize("shape", [(N, K), (2, 3, K)])
    def test_is_pefts_layer(self, bias, shape):
        base, x, scale = base_layer(bias), random(*shape), random(D, seed=1)
        config = IA3Config(target_modules=["0"], feedforward_modules=[])
        theirs = get_peft_model(nn.Sequential(copy.deepcopy(base)), config)
        theirs.base_model.model[0].ia3_l["default"].data = scale[:, None]
        assert close(ia3_forward(x, base, scale), theirs(x))
        assert not close(base(x), theirs(x), 1e-2)
        merged = theirs.merge_and_unload()
        assert close(ia3_forward(x, base, scale), merged(x))

    def test_ones_change_nothing(self):
        base, x = base_layer(), random(N, K)
        assert torch.equal(ia3_forward(x, base, torch.ones(D)), base(x))


class TestDoRA:
    @staticmethod
    def peft_model(base, A, B, alpha, r, magnitude=None):
        config = LoraConfig(r=r, lora_alpha=alpha, target_modules=["0"], use_dora=True)
        model = get_peft_model(nn.Sequential(copy.deepcopy(base)), config)
        layer = model.base_model.model[0]
        with torch.no_grad():
            layer.lora_A["default"].weight.copy_(A)
            layer.lora_B["default"].weight.copy_(B)
            if magnitude is not None:
                layer.lora_magnitude_vector["default"].weight.copy_(magnitude)
        return model

    @pytest.mark.parametrize(("r", "alpha"), [(1, 1), (4, 16), (3, 8)])
    def test_is_pefts_weight_merged_and_unmerged(self, r, alpha):
        base, x = base_layer(), random(N, K)
        A, B, magnitude = random(r, K, seed=1), random(D, r, seed=2), random(D, seed=3).abs()
        ours = dora_weight(base.weight, A, B, alpha, r, magnitude)
        theirs = self.peft_model(base, A, B, alpha, r, magnitude).eval()
        assert close(nn.functional.linear(x, ours, base.bias), theirs(x))
        assert close(ours, theirs.merge_and_unload()[0].weight)
        assert close(ours.norm(dim=1), magnitude)

    def test_starts_at_the_base_with_the_rows_own_lengths(self):
        base, A, B = base_layer(), random(4, K), torch.zeros(D, 4)
        layer = self.peft_model(base, A, B, 16, 4).base_model.model[0]
        start = layer.lora_magnitude_vector["default"].weight
        assert close(start, base.weight.norm(dim=1))
        assert close(dora_weight(base.weight, A, B, 16, 4, start), base.weight)


@pytest.fixture(scope="module")
def llama() -> LlamaForCausalLM:
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=50,
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=4,
        initializer_range=0.2,
    )
    return LlamaForCausalLM(config).eval()


class TestPrependPrompt:
    def test_loss_and_gradient_are_pefts(self, llama):
        tokens = torch.randint(0, 50, (3, 9), generator=torch.Generator().manual_seed(1))
        labels = tokens.clone()
        labels[:, :4] = -100
        prompt = random(5, 32, seed=2).requires_grad_()
        longer, shifted = prepend_prompt(prompt, llama.get_input_embeddings()(tokens), labels)
        assert longer.shape == (3, 14, 32)
        assert shifted.shape == (3, 14)
        assert shifted.dtype == labels.dtype
        ours = llama(inputs_embeds=longer, labels=shifted).loss
        ours.backward()

        config = PromptTuningConfig(task_type="CAUSAL_LM", num_virtual_tokens=5)
        theirs = get_peft_model(copy.deepcopy(llama), config).eval()
        weight = theirs.prompt_encoder["default"].embedding.weight
        weight.data.copy_(prompt.data)
        loss = theirs(input_ids=tokens, labels=labels).loss
        loss.backward()
        assert ours.item() == pytest.approx(loss.item(), abs=1e-5)
        assert close(prompt.grad, weight.grad)
        bare = llama(input_ids=tokens, labels=labels).loss
        assert ours.item() != pytest.approx(bare.item(), abs=1e-2)

    def test_by_hand(self):
        embeddings, labels = torch.zeros(2, 1, 3), torch.tensor([[4], [5]])
        longer, shifted = prepend_prompt(torch.ones(2, 3), embeddings, labels)
        assert longer[:, :, 0].tolist() == [[1, 1, 0], [1, 1, 0]]
        assert shifted.tolist() == [[-100, -100, 4], [-100, -100, 5]]


class TestReallocationSteps:
    @pytest.mark.parametrize(
        ("tinit", "tfinal", "delta", "total"), [(4, 5, 2, 20), (1, 5, 7, 20), (3, 6, 100, 20)]
    )
    def test_are_the_steps_at_which_peft_masks_ranks(self, tinit, tfinal, delta, total):
        config = AdaLoraConfig(
            init_r=6,
            target_r=2,
            tinit=tinit,
            tfinal=tfinal,
            deltaT=delta,
            total_step=total,
            target_modules=["0", "1"],
        )
        model = get_peft_model(nn.Sequential(nn.Linear(8, 8), nn.Linear(8, 8)), config)
        masked = []
        allocator = model.base_model.rankallocator
        original = allocator.mask_to_budget

        def counted(net, budget):
            masked.append(step)
            return original(net, budget)

        allocator.mask_to_budget = counted
        for step in range(total):
            model.zero_grad()
            model.base_model.model(random(N, 8, seed=step)).square().mean().backward()
            model.base_model.update_and_allocate(step)
        assert masked == reallocation_steps(config)
        assert model.peft_config["default"].rank_pattern


class TestMerging:
    def test_weighted_sum_is_pefts_task_arithmetic(self):
        deltas, weights = [random(D, K, seed=i) for i in range(3)], [1.0, 0.5, -0.25]
        theirs = task_arithmetic(deltas, torch.tensor(weights))
        assert close(merge_deltas(deltas, weights), theirs)

    def test_pefts_cat_is_the_weighted_sum_and_linear_is_not(self):
        base = nn.Sequential(base_layer())
        model = get_peft_model(base, LoraConfig(r=2, target_modules=["0"]), adapter_name="one")
        model.add_adapter("two", LoraConfig(r=2, target_modules=["0"]))
        layer = model.base_model.model[0]
        for seed, name in enumerate(("one", "two")):
            layer.lora_B[name].weight.data = random(D, 2, seed=seed)
        wanted = merge_deltas([layer.get_delta_weight(name) for name in ("one", "two")], [0.7, 0.4])
        for kind in ("cat", "linear"):
            model.add_weighted_adapter(["one", "two"], [0.7, 0.4], kind, combination_type=kind)
        assert close(layer.get_delta_weight("cat"), wanted)
        assert not close(layer.get_delta_weight("linear"), wanted, 1e-2)

    def test_weights_of_another_length_are_refused(self):
        with pytest.raises(ValueError, match="zip"):
            merge_deltas([random(2, 2)], [1.0, 2.0])
