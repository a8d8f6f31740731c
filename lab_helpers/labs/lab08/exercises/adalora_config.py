"""Lab 08, exercise ``adalora_config``: planted wrong answers, check, hints."""

from lab_helpers.course.exercise import Exercise, Mistake, WrongAnswer
from lab_helpers.labs.lab08.configs import adalora_config
from lab_helpers.runtime.language import Text
from lab_helpers.tuning.peft_methods import reallocation_steps

_TARGETS = {"v_proj", "o_proj"}


def _with(steps: int, **changed):
    """The reference's configuration with other values for ``changed``."""
    from peft import AdaLoraConfig

    right = adalora_config(steps)
    names = ("init_r", "target_r", "lora_alpha", "target_modules", "task_type", "tinit", "tfinal", "deltaT", "total_step")  # fmt: skip
    return AdaLoraConfig(**({name: getattr(right, name) for name in names} | changed))


def _plain_lora(steps):
    from peft import LoraConfig

    return LoraConfig(r=12, lora_alpha=32, target_modules=["v_proj", "o_proj"])


def _built(answer, steps: int):
    """What ``answer`` returns; PEFT's own refusals are explained in both languages."""
    try:
        return answer(steps)
    except ValueError as error:
        if "budgeting phase" in str(error):
            raise Mistake(
                "there is no room for cutting ranks: tinit must lie before total_step - tfinal (PEFT refuses it).",
                "ランクを減らす期間がありません。tinit は total_step - tfinal より前でなければなりません（PEFT もエラーにします）。",
            ) from error
        if "total_step" in str(error):
            raise Mistake(
                "total_step is not given: AdaLoRA cannot plan without the length of the training.",
                "total_step が指定されていません。AdaLoRA は学習の長さが分からないと計画を立てられません。",
            ) from error
        raise


def _test_ranks(config) -> None:
    from peft import AdaLoraConfig

    if not isinstance(config, AdaLoraConfig):
        raise Mistake(
            f"return a peft.AdaLoraConfig (got {type(config).__name__}).",
            f"peft.AdaLoraConfig を返してください（返り値の型: {type(config).__name__}）。",
        )
    if config.r != 8:  # PEFT's default
        raise Mistake(
            "you set r, which AdaLoRA ignores: the rank it begins with is init_r.",
            "r を指定していますが、AdaLoRA は r を無視します。最初のランクは init_r です。",
        )
    if config.target_r >= config.init_r:
        raise Mistake(
            f"target_r = {config.target_r} is not below init_r = {config.init_r}: there is no rank to take away.",
            f"target_r = {config.target_r} が init_r = {config.init_r} より小さくありません。これでは減らすランクがありません。",
        )
    if (config.init_r, config.target_r) != (12, 4):
        raise Mistake(
            f"begin with 12 ranks and end with 4 on average (got {config.init_r} and {config.target_r}).",
            f"ランクは 12 から始めて、平均 4 で終えてください（指定: {config.init_r} と {config.target_r}）。",
        )


def _test_adapter(config) -> None:
    if config.lora_alpha != 32:
        raise Mistake(
            f"lora_alpha should be 32 (got {config.lora_alpha}).",
            f"lora_alpha は 32 にしてください（指定: {config.lora_alpha}）。",
        )
    if config.target_modules != _TARGETS:
        raise Mistake(
            f"the adapted layers should be v_proj and o_proj (target_modules is {config.target_modules!r}).",
            f"アダプターを付ける層は v_proj と o_proj です（target_modules は {config.target_modules!r}）。",
        )
    if config.task_type != "CAUSAL_LM":
        raise Mistake(
            'task_type="CAUSAL_LM" is missing: without it the saved adapter does not say what kind of model it belongs to.',
            'task_type="CAUSAL_LM" がありません。ないと、どの種類のモデルのものかが、保存したアダプターに残りません。',
        )


def _test_schedule(config, steps: int) -> None:
    if config.total_step != steps:
        raise Mistake(
            f"total_step is {config.total_step} in a training of {steps} steps: the phases would be planned for another training.",
            f"{steps} ステップの学習なのに total_step が {config.total_step} です。別の長さの学習に合わせた計画になってしまいます。",
        )
    if config.tinit < 1:
        raise Mistake(
            "there is no warm-up (tinit): importance would be judged on untrained ranks.",
            "ウォームアップ（tinit）がありません。学習していないランクの重要度を判断することになります。",
        )
    if config.tinit > steps / 4:
        raise Mistake(
            f"the warm-up is too long: tinit = {config.tinit} is more than a quarter of {steps} steps.",
            f"ウォームアップが長すぎます。tinit = {config.tinit} は {steps} ステップの 4 分の 1 を超えています。",
        )
    if config.tfinal < steps / 4:
        raise Mistake(
            f"the final phase is too short: tfinal = {config.tfinal} is less than a quarter of {steps} steps.",
            f"最終段階が短すぎます。tfinal = {config.tfinal} は {steps} ステップの 4 分の 1 未満です。",
        )
    cuts = len(reallocation_steps(config))
    if cuts < 3:
        raise Mistake(
            f"deltaT = {config.deltaT} allows too few reallocations ({cuts}) between step {config.tinit} and step {steps - config.tfinal}; take 3 or more.",
            f"deltaT = {config.deltaT} では、ステップ {config.tinit} から {steps - config.tfinal} までの再配分が少なすぎます（{cuts} 回）。3 回以上にしてください。",
        )


def _test_config(answer) -> None:
    for steps in (60, 250, 41):
        config = _built(answer, steps)
        if config is None:
            raise Mistake(
                "the function returned None: is a `return` missing?",
                "None が返りました。`return` を忘れていませんか。",
            )
        _test_ranks(config)
        _test_adapter(config)
        _test_schedule(config, steps)


EXERCISE = Exercise(
    name="adalora_config",
    prompt=Text(
        'Return a peft.AdaLoraConfig for a training of `steps` optimizer steps (40 or more): v_proj and o_proj, 12 ranks at first and 4 on average at the end, lora_alpha=32, task_type="CAUSAL_LM", total_step=steps. Warm-up tinit: at least one step, at most a quarter of them. Final phase tfinal: at least a quarter. Between them deltaT must leave at least 3 reallocations, counting the last one at step total_step - tfinal.',
        'optimizer の `steps` ステップ（40 以上）の学習に合う peft.AdaLoraConfig を返してください。対象は v_proj と o_proj、ランクは最初 12、最後は平均 4、lora_alpha=32、task_type="CAUSAL_LM"、total_step=steps です。ウォームアップ tinit は 1 ステップ以上、全体の 4 分の 1 以下。最終段階 tfinal は 4 分の 1 以上。その間に 3 回以上の再配分が起こるように deltaT を選びます（ステップ total_step - tfinal での最後の 1 回も数えます）。',
    ),
    reference=adalora_config,
    test=_test_config,
    hints=(
        Text(
            "Three phases share the steps: warm-up, cutting, final. Write each as a fraction of `steps`, not as a number.",
            "ステップはウォームアップ、削減、最終の 3 段階に分かれます。それぞれを数ではなく `steps` に対する割合で書きましょう。",
        ),
        Text(
            "A quarter rounded down is less than a quarter: for tfinal use math.ceil(steps / 4). deltaT = max(1, steps // 20) gives about ten reallocations.",
            "4 分の 1 を切り捨てると 4 分の 1 未満になります。tfinal には math.ceil(steps / 4) を使います。deltaT = max(1, steps // 20) なら、再配分は 10 回ほどです。",
        ),
        Text(
            'AdaLoraConfig(init_r=12, target_r=4, lora_alpha=32, target_modules=["v_proj", "o_proj"], task_type="CAUSAL_LM", tinit=steps // 5, tfinal=math.ceil(steps / 4), deltaT=max(1, steps // 20), total_step=steps)',
            'AdaLoraConfig(init_r=12, target_r=4, lora_alpha=32, target_modules=["v_proj", "o_proj"], task_type="CAUSAL_LM", tinit=steps // 5, tfinal=math.ceil(steps / 4), deltaT=max(1, steps // 20), total_step=steps)',
        ),
    ),
    wrong_answers=(
        WrongAnswer(lambda steps: _with(steps, total_step=1000), "total_step is 1000"),
        WrongAnswer(lambda steps: _with(steps, total_step=None), "total_step is not given"),
        WrongAnswer(lambda steps: _with(steps, tinit=steps // 4, tfinal=steps - steps // 4), "no room for cutting"),
        WrongAnswer(lambda steps: _with(steps, target_r=12), "is not below init_r"),
        WrongAnswer(lambda steps: _with(steps, deltaT=steps), "too few reallocations"),
        WrongAnswer(lambda steps: _with(steps, r=12), "you set r"),
        WrongAnswer(lambda steps: _with(steps, target_r=8), "begin with 12 ranks"),
        WrongAnswer(lambda steps: _with(steps, tinit=0), "no warm-up"),
        WrongAnswer(lambda steps: _with(steps, tinit=steps // 3), "warm-up is too long"),
        WrongAnswer(lambda steps: _with(steps, tfinal=steps // 10), "final phase is too short"),
        WrongAnswer(lambda steps: _with(steps, target_modules="all-linear"), "should be v_proj and o_proj"),
        WrongAnswer(lambda steps: _with(steps, task_type=None), "what kind of model"),
        WrongAnswer(lambda steps: _with(steps, lora_alpha=8), "lora_alpha should be 32"),
        WrongAnswer(_plain_lora, "return a peft.AdaLoraConfig"),
    ),
)  # fmt: skip
