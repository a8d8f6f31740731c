"""The linear reward judge: learns a preference, reads the prompt, and has no favourite place."""

import numpy as np
import pytest

from lab_helpers.evaluation.reward_judge import RewardJudge
from lab_helpers.models.language_models import load_language_model
from lab_helpers.tuning.pairs import preference_pairs

pytestmark = pytest.mark.usefixtures("one_thread")

THINGS = ["lamp", "heater", "filter", "fan", "radio", "box", "button", "light"]


def pairs(things) -> list[dict]:
    return preference_pairs(
        [
            {"prompt": f"Is the {t} warm?", "chosen": f"The {t} is warm.", "rejected": f"{t}, lol!"}
            for t in things
        ]
    )


@pytest.fixture(scope="module")
def judge(tiny_chat_model, one_thread):
    return RewardJudge(*load_language_model(str(tiny_chat_model))).learn(pairs(THINGS[:6]))


def test_it_agrees_with_pairs_it_has_not_seen(judge):
    assert judge.agreement(pairs(THINGS[6:])).tolist() == [1, 1]
    assert judge.agreement([{**p, "chosen": p["rejected"], "rejected": p["chosen"]} for p in pairs(THINGS)]).sum() == 0  # fmt: skip


def test_places_exchanged_the_chances_add_up_to_one(judge):
    a, b = "The fan is warm.", "fan, lol!"
    assert judge("Is it?", a, b) + judge("Is it?", b, a) == pytest.approx(1)
    assert judge("Is it?", a, b) > 0.5
    assert judge("Is it?", a, a) == 0.5


def test_the_reward_depends_on_the_prompt(judge):
    one, other = judge.rewards(["Is the fan warm?", "Where is it?"], ["Yes."] * 2)
    assert one != other


def test_one_reply_is_read_alike_alone_and_among_others(judge):
    texts = ["The fan is warm.", "no", "It is a very quiet and warm heater, I think."]
    together = judge.rewards(["?"] * 3, texts)
    judge._known.clear()
    alone = np.concatenate([judge.rewards(["?"], [text]) for text in texts])
    assert together == pytest.approx(alone, abs=1e-3)


def test_an_empty_reply_has_a_reward(judge):
    assert np.isfinite(judge.rewards(["?"], [""])).all()
