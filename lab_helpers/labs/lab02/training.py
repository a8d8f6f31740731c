"""Lab 02, the mathematics of LoRA: its core steps in order."""

import numpy as np
import torch

from lab_helpers.course.record import Run
from lab_helpers.course.running import Step
from lab_helpers.data.labelled import shipped_texts
from lab_helpers.figures import plots
from lab_helpers.labs.lab01.training import text_encoder
from lab_helpers.labs.lab02.capacity import CapacityTask
from lab_helpers.labs.lab02.parity import frozen_hash, parity_with_peft
from lab_helpers.labs.shared.classifiers import hits_on, trained
from lab_helpers.models.known_configs import lora_counts
from lab_helpers.runtime.language import Text
from lab_helpers.tuning import spectrum
from lab_helpers.tuning.transfer import TextEncoder, fine_tune

COUNTED = (
    ("GPT-3 175B", 4, "q, v"),
    ("Llama 3 70B", 4, "q, v"),
    ("Llama 3 8B", 4, "q, v"),
    ("Llama 3 8B", 16, "q, v"),
    ("Llama 3 8B", 16, "all linear"),
    ("Llama 3 70B", 64, "all linear"),
    ("Gemma 2 2B", 16, "q, v"),
    ("Gemma 2 9B", 16, "q, v"),
)
HIGH_RANK = 45
# Ranks at which three target sets of a MiniLM block have exactly the same number of parameters:
# q, v: 2·45·768 = MLP: 2·18·1920 = all linear: 10·(4·768 + 2·1920) = 69,120.
EQUAL_PARAMETERS = {
    "q, v": (HIGH_RANK, ["query", "value"]),
    "MLP": (18, r".*(intermediate\.dense|layer\.\d+\.output\.dense)"),
    "all linear": (10, "all-linear"),
}


def full_delta(encoder: TextEncoder, sizes: dict, seed: int) -> dict[str, torch.Tensor]:
    """ΔW of a full fine-tuning on 256 English reviews, every matrix of every block."""
    outcome = trained(
        encoder,
        shipped_texts("reviews", "en"),
        256,
        seed,
        epochs=sizes["full_epochs"],
        learning_rate=sizes["full_learning_rate"],
        head_learning_rate=sizes["head_learning_rate"],
        batch_size=sizes["batch_size"],
        label="full",
    )
    return spectrum.deltas(
        spectrum.matrices(encoder.load()), spectrum.matrices(outcome.model.encoder)
    )


def low_rank(run: Run) -> None:
    """How much of ΔW the first r singular directions hold, beside a random matrix."""
    delta = full_delta(load_text_encoder(run), run.settings, run.seed)
    energies, reference = square_energies(delta, run.seed)
    run.measured(**energy_summary(energies, reference))
    run.figure("spectrum", plots.spectrum(energies, reference))


def square_energies(
    delta: dict[str, torch.Tensor], seed: int
) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Cumulative energy of the attention matrices' ΔW, and of a random matrix of the same shape."""
    square = {name: matrix for name, matrix in delta.items() if matrix.shape[0] == matrix.shape[1]}
    size = next(iter(square.values())).shape
    noise = torch.randn(size, generator=torch.Generator().manual_seed(seed))
    return {name: spectrum.energy(m).numpy() for name, m in square.items()}, spectrum.energy(
        noise
    ).numpy()


def energy_summary(energies: dict[str, np.ndarray], reference: np.ndarray) -> dict[str, float]:
    """Mean energy in the top 1, 8 and 64 directions, and the rank that holds 90 %."""
    curves = list(energies.values())
    summary = {f"energy_top_{r}": float(np.mean([c[:r][-1] for c in curves])) for r in (1, 8, 64)}
    summary["energy_top_8_random"] = float(reference[7])
    summary["rank_for_90_percent"] = float(np.mean([(c < 0.9).sum() + 1 for c in curves]))
    return summary


def parity(run: Run) -> None:
    """LoRA by hand against PEFT on the real encoder."""
    texts, _ = shipped_texts("requests", "en").split("validation")
    run.measured(**parity_with_peft(load_text_encoder(run), texts[:16], run.folder, 8, 16, run.seed))
    run.artifact(run.folder / "adapter")


def counts(run: Run) -> None:
    """Trainable parameters of published models, counted on the meta device."""
    rows = [lora_counts(*choice) for choice in COUNTED]
    by_choice = {(row["model"], row["r"], row["targets"]): row for row in rows}
    run.measured(
        ratio_gpt3_r4_qv=by_choice["GPT-3 175B", 4, "q, v"]["one_in"],
        ratio_llama3_8b_r16_qv=by_choice["Llama 3 8B", 16, "q, v"]["one_in"],
        adapter_mb_llama3_8b_r16_qv=by_choice["Llama 3 8B", 16, "q, v"]["megabytes"],
        adapter_mb_llama3_70b_r64_all=by_choice["Llama 3 70B", 64, "all linear"]["megabytes"],
    )
    run.table("counts", rows)
    run.figure("counts", plots.parameter_counts(rows))


def capacity(run: Run) -> None:
    """Rank and scaling where rank is needed: random key→value pairs in one layer."""
    rows = capacity_rows(CapacityTask(), run.settings["seeds"])
    run.table("capacity", rows)
    run.measured(**capacity_summary(rows))
    run.figure("capacity", capacity_figure(rows))


def capacity_rows(
    task: CapacityTask, seeds: list[int], ranks=(1, 4, 16, 64), alpha: float = 16
) -> list[dict]:
    """Mean remaining loss over seeds for each rank under α/r and α/√r."""
    return [
        {
            "scaling": name,
            "r": r,
            "loss": float(np.mean([task.loss(r, alpha, stabilized, s) for s in seeds])),
        }
        for name, stabilized in (("alpha/r", False), ("alpha/sqrt(r)", True))
        for r in ranks
    ]


def capacity_summary(rows: list[dict]) -> dict[str, float]:
    """Loss at r = 1 over loss at the largest rank, and what α/√r saves there."""
    loss = {(row["scaling"], row["r"]): row["loss"] for row in rows}
    top = max(row["r"] for row in rows)
    return {
        "rank_capacity_loss_ratio": loss["alpha/sqrt(r)", 1] / loss["alpha/sqrt(r)", top],
        "rslora_gain_high_rank": loss["alpha/r", top] - loss["alpha/sqrt(r)", top],
    }


def capacity_figure(rows: list[dict]):
    names = dict.fromkeys(row["scaling"] for row in rows)
    series = {
        name: [(row["r"], row["loss"]) for row in rows if row["scaling"] == name] for name in names
    }
    return plots.lines(series, "r", "loss / loss before", logx=True, logy=True)


def lora_accuracy(
    encoder: TextEncoder, config, sizes: dict, seed: int, learning_rate: float | None = None
) -> dict:
    """Fine-tune a fresh encoder with a PEFT ``config`` on requests.

    Returns the test accuracy, the mean of the last four losses, and whether the base weights are
    bit for bit what they were.
    """
    from peft import get_peft_model

    data = shipped_texts("requests", "en")
    model = encoder.classifier(len(data.labels), seed)
    model.encoder = get_peft_model(model.encoder, config)
    texts, labels = data.sample(sizes["rows"], seed)
    before = frozen_hash(model.encoder)
    history = fine_tune(
        model,
        encoder,
        texts,
        labels,
        epochs=sizes["epochs"],
        learning_rate=learning_rate or sizes["learning_rate"],
        head_learning_rate=sizes["head_learning_rate"],
        batch_size=sizes["batch_size"],
        seed=seed,
        label=f"r={config.r}",
    )
    return {
        "accuracy": float(hits_on(encoder, model, data).mean()),
        "loss": float(np.mean(history.losses[-4:])),
        "base_unchanged": int(before == frozen_hash(model.encoder)),
    }


def ranks(run: Run) -> None:
    """A real task at ranks 1 and 45 over seeds, and rank 1 again with twice the steps."""
    rows = rank_rows(load_text_encoder(run), run.settings)
    run.table("ranks", rows)
    run.measured(**rank_summary(rows))


def rank_rows(encoder: TextEncoder, sizes: dict) -> list[dict]:
    """Ranks 1 and 45 on q, v with α = 2r, so that the scaling is always 2; then 1 for twice as long."""
    from peft import LoraConfig

    rows = []
    for r, times in ((1, 1), (HIGH_RANK, 1), (1, 2)):
        for seed in sizes["seeds"]:
            config = LoraConfig(r=r, lora_alpha=2 * r, target_modules=["query", "value"])
            longer = {**sizes, "epochs": times * sizes["epochs"]}
            rows.append(
                {
                    "r": r,
                    "times": times,
                    "seed": seed,
                    **lora_accuracy(encoder, config, longer, seed),
                }
            )
    return rows


def rank_summary(rows: list[dict]) -> dict[str, float]:
    """What rank 45 gains over rank 1 in the same steps, and over a rank 1 that trained twice as long."""

    def mean(r: int, times: int) -> float:
        return float(
            np.mean([row["accuracy"] for row in rows if (row["r"], row["times"]) == (r, times)])
        )

    high = mean(HIGH_RANK, 1)
    return {
        "rank_1_accuracy": mean(1, 1),
        "rank_1_twice_accuracy": mean(1, 2),
        f"rank_{HIGH_RANK}_accuracy": high,
        "rank_real_task_gain": high - mean(1, 1),
        "rank_patient_gain": high - mean(1, 2),
        "base_hash_unchanged": min(row["base_unchanged"] for row in rows),
    }


def targets(run: Run) -> None:
    """Which matrices to adapt, at exactly equal parameters; q, v is the largest rank of the last step."""
    from peft import LoraConfig

    encoder = load_text_encoder(run)
    rows = [{"targets": "q, v", **row} for row in run.tables["ranks"] if row["r"] == HIGH_RANK]
    for name in ("MLP", "all linear"):
        r, modules = EQUAL_PARAMETERS[name]
        for seed in run.settings["seeds"]:
            config = LoraConfig(r=r, lora_alpha=2 * r, target_modules=modules)
            rows.append(
                {
                    "targets": name,
                    "r": r,
                    "seed": seed,
                    **lora_accuracy(encoder, config, run.settings, seed),
                }
            )
    run.table("targets", rows)
    run.measured(**target_summary(rows))
    run.figure("targets", target_figure(rows))


def target_means(rows: list[dict]) -> dict[str, float]:
    """Mean accuracy over seeds of each target set."""
    return {
        name: float(np.mean([row["accuracy"] for row in rows if row["targets"] == name]))
        for name in EQUAL_PARAMETERS
    }


def target_summary(rows: list[dict]) -> dict[str, float]:
    """The three means, and how far the best lies above q, v."""
    mean = target_means(rows)
    return {
        "equal_params_qv": mean["q, v"],
        "equal_params_mlp": mean["MLP"],
        "equal_params_all_linear": mean["all linear"],
        "equal_params_best_minus_qv": max(mean.values()) - mean["q, v"],
    }


def target_figure(rows: list[dict]):
    """A bar a target set, with the range over seeds."""
    ranges = {}
    for name in EQUAL_PARAMETERS:
        values = [row["accuracy"] for row in rows if row["targets"] == name]
        ranges[name] = [min(values), max(values)]
    return plots.bars(
        target_means(rows),
        ranges,
        title=plots.words("414,720 parameters each", "各 414,720 パラメータ"),
    )


def learning_rates(run: Run) -> None:
    """The same adapter at a full fine-tuning rate, a LoRA rate and one far too high."""
    from peft import LoraConfig

    encoder, rows = load_text_encoder(run), []
    for rate in run.settings["learning_rates"]:
        config = LoraConfig(r=8, lora_alpha=16, target_modules=["query", "value"])
        rows.append(
            {"learning_rate": rate, **lora_accuracy(encoder, config, run.settings, run.seed, rate)}
        )
    run.table("learning rates", rows)
    run.measured(**rate_summary(rows))


def rate_summary(rows: list[dict]) -> dict[str, float]:
    """Accuracy at the full fine-tuning rate, at LoRA's, and far above."""
    low, good, high = (row["accuracy"] for row in rows)
    return {
        "lora_accuracy_full_rate": low,
        "lora_accuracy_lora_rate": good,
        "lora_accuracy_high_rate": high,
    }


STEPS = (
    Step("low_rank", Text("Singular values of a real ΔW", "実際の ΔW の特異値"), low_rank),
    Step("parity", Text("LoRA by hand against PEFT", "手書きの LoRA と PEFT の一致"), parity),
    Step(
        "counts",
        Text("Counting parameters on the meta device", "メタデバイスでパラメータを数える"),
        counts,
    ),
    Step(
        "capacity",
        Text(
            "Rank and scaling on a task that needs rank", "ランクが要る課題でのランクとスケーリング"
        ),
        capacity,
    ),
    Step("ranks", Text("Rank on a real task", "実タスクでのランク"), ranks),
    Step(
        "targets",
        Text("Which matrices, at equal parameters", "同じパラメータ数での対象層"),
        targets,
    ),
    Step("learning_rates", Text("Learning rates of LoRA", "LoRA の学習率"), learning_rates),
)
