"""Lab 05, the family of losses: β, IPO, and robust DPO under wrong labels."""

from lab_helpers.course.record import Run
from lab_helpers.data.preferences import PairSet, flip
from lab_helpers.labs.lab05.arms import Arm, measure_drift_on, train_arm
from lab_helpers.labs.shared.preference_models import load_start_model, remove_adapter


def list_variant_arms(run: Run, pairs: PairSet) -> list[Arm]:
    """The same pairs under several β and IPO; and with a quarter of the labels wrong, DPO and robust DPO."""
    count, wrong = run.settings["arm_pairs"], run.settings["flipped"]
    good = pairs.train[:count]
    bad = flip(good, wrong, run.seed)
    betas = {f"beta {beta:g}": {"beta": beta} for beta in run.settings["betas"]}
    faster = {"learning_rate": run.settings["arm_learning_rate"]}
    robust = {"loss_type": ["robust"], "label_smoothing": wrong}
    return [
        *(Arm(name, good, faster | settings) for name, settings in betas.items()),
        Arm("ipo", good, faster | {"loss_type": ["ipo"]}),
        Arm("noisy sigmoid", bad, faster),
        Arm("noisy robust", bad, faster | robust),
    ]


def train_variants(run: Run, pairs: PairSet, arms: list[Arm]) -> list[dict]:
    """Each arm's first and last loss, and its held-out accuracy, margin and drift."""
    model, tokenizer = load_start_model(run, pairs.language)
    rows = []
    for arm in arms:
        tuned = train_arm(run, model, tokenizer, arm)
        found = measure_drift_on(
            run, tuned.model, tokenizer, pairs.test[: run.settings["arm_test"]]
        )
        rows.append({"arm": arm.name, "first loss": tuned.losses[0], "last loss": tuned.losses[-1]} | found)  # fmt: skip
        model = remove_adapter(tuned)
    return rows


def variant_metrics(rows: list[dict]) -> dict[str, float]:
    """How the margin shrinks as β grows, IPO's accuracy, and what robust DPO changes under wrong labels."""
    by_name = {row["arm"]: row for row in rows}
    betas = [row for row in rows if row["arm"].startswith("beta")]
    return {
        "margin_lowest_beta": betas[0]["margin"],
        "margin_highest_beta": betas[-1]["margin"],
        "ipo_first_loss": by_name["ipo"]["first loss"],
        "ipo_accuracy": by_name["ipo"]["accuracy"],
        "noisy_accuracy_sigmoid": by_name["noisy sigmoid"]["accuracy"],
        "noisy_accuracy_robust": by_name["noisy robust"]["accuracy"],
        "noisy_margin_sigmoid": by_name["noisy sigmoid"]["margin"],
        "noisy_margin_robust": by_name["noisy robust"]["margin"],
    }
