"""Composition: what is right composes, what is wrong is named, all of it at once."""

from pathlib import Path

import pytest

from rlstack.config.compose import compose, to_yaml
from rlstack.config.rl import RLStage
from rlstack.errors import ConfigError

ON_CPU = "cluster=cpu"  # the same on a machine with a GPU


def problems(*argv: str) -> str:
    with pytest.raises(ConfigError) as caught:
        compose([*argv, ON_CPU])
    return str(caught.value)


def rl(*argv: str, stage: str = "multidomain") -> RLStage:
    found = compose([*argv, ON_CPU]).stages[stage]
    assert isinstance(found, RLStage)
    return found


# ---- what is right ------------------------------------------------------------------------------------


def test_the_bare_command_is_multidomain_on_the_tiny_model():
    config = compose([ON_CPU])
    assert (config.recipe, config.model.name, config.cluster.device) == ("multidomain", "tiny", "cpu")
    assert set(rl().envs) == {
        "chat",
        "icl",
        "instruction",
        "logic",
        "math",
        "science",
        "sql",
        "structured",
        "temporal",
    }
    assert rl().sampling.samples_per_prompt == 16


def test_values_of_a_named_stage_are_overridden():
    stage = rl("stages.multidomain.optim.lr=5e-7", "stages.multidomain.optim.betas=[0.8,0.9]")
    assert (stage.optim.lr, stage.optim.betas) == (5e-7, (0.8, 0.9))


def test_a_key_that_no_file_spells_out_needs_no_plus():
    assert rl("stages.multidomain.guard.max_mismatch=1.2").guard.max_mismatch == 1.2
    assert rl("+stages.multidomain.guard.max_mismatch=1.2") == rl("++stages.multidomain.guard.max_mismatch=1.2")


def test_an_env_is_reweighted_removed_and_added():
    envs = rl(
        "~stages.multidomain.envs.sql", "stages.multidomain.envs.math.weight=2", "stages.multidomain.steps=3"
    ).envs
    assert envs["math"].weight == 2.0
    assert "sql" not in envs
    assert (
        rl("recipe=single", "env=math", "stages.single.envs.logic={level: 1}", stage="single").envs["logic"].level == 1
    )


def test_granite_figures_are_a_change_of_configuration_only():
    stage = compose(["recipe=multidomain_granite", "model=8b", "cluster=gpu"]).stages["multidomain"]
    assert isinstance(stage, RLStage)
    assert stage.steps * stage.prompts_per_step == 45_504
    assert stage.prompts_per_step * stage.sampling.samples_per_prompt == 1_024
    assert (stage.optim.lr, stage.kl.beta, stage.sampling.context) == (5e-7, 0.05, 8192)


def test_a_new_stage_runs_after_the_others():
    stage = "{kind: rl, envs: {math: {}}, steps: 1, prompts_per_step: 2, sampling: {max_tokens: 8}, optim: {lr: 1e-4}}"
    words = [f"+stages.more={stage}", "stages.more.sampling.context=64"]
    assert list(compose([*words, ON_CPU]).stages) == ["multidomain", "more"]


def test_a_checkpoint_folder_or_a_hub_id_is_a_model(tmp_path):
    folder = tmp_path / "My.Model-1"
    folder.mkdir()
    (folder / "config.json").write_text("{}")
    config = compose([f"model={folder}", ON_CPU])
    assert (config.model.name, config.model.path) == ("My.Model-1", str(folder))
    assert config.model.chat_template == "tokenizer"
    assert compose(["model=some-lab/some-model-1b", ON_CPU]).model.path == "some-lab/some-model-1b"


def test_single_takes_an_env_by_name_or_folder(tmp_path):
    folder = tmp_path / "count-down"
    folder.mkdir()
    (folder / "env.py").write_text("raise SystemExit('never imported here')")
    assert list(rl("recipe=single", "env=math", stage="single").envs) == ["math"]
    assert rl("recipe=single", f"env={folder}", stage="single").envs["count-down"].path == str(folder)


def test_sft_rl_tunes_on_the_env_that_it_trains_on(tmp_path):
    folder = tmp_path / "count.down"
    folder.mkdir()
    (folder / "env.py").write_text("raise SystemExit('never imported here')")
    stages = compose(["recipe=sft_rl", "env=math", ON_CPU]).stages
    assert list(stages) == ["sft", "single"]
    assert stages["sft"].data == {"math": 1.0}
    stages = compose(["recipe=sft_rl", f"env={folder}", ON_CPU]).stages
    assert stages["sft"].data == {str(folder): 1.0}
    assert stages["single"].envs["count.down"].path == str(folder)
    with pytest.raises(ConfigError, match=r"stages\.sft\.data\.math/nowhere: no env at math/nowhere"):
        compose(["recipe=sft_rl", "env=math", "stages.sft.data={math/nowhere: 1.0}", ON_CPU])


def test_the_cluster_follows_the_machine_unless_it_is_named(monkeypatch):
    monkeypatch.setattr("rlstack.config.choices.default_cluster", lambda: "gpu")
    assert compose([]).cluster.device == "cuda"
    assert compose(["cluster=cpu"]).cluster.device == "cpu"


def test_hidden_gpus_do_not_count(monkeypatch):
    from rlstack.config.choices import default_cluster

    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    assert default_cluster() == "cpu"


def test_the_printed_configuration_is_whole():
    import yaml

    from rlstack.config.run import RunConfig

    config = compose([ON_CPU])
    assert RunConfig.model_validate(yaml.safe_load(to_yaml(config))) == config


# ---- where a run lies ---------------------------------------------------------------------------------


def test_the_run_directory_is_a_function_of_the_meaning():
    def lies(*argv: str) -> str:
        return compose([*argv, ON_CPU]).run_dir

    assert lies() == "runs/multidomain-tiny-seed0"
    assert lies("recipe=single", "env=math", "seed=3") == "runs/single-math-tiny-seed3"
    changed = lies("stages.multidomain.steps=3", "stages.multidomain.kl.beta=0")
    assert changed == lies("stages.multidomain.kl.beta=0.0", "++stages.multidomain.steps=3")
    assert len({changed, lies(), lies("stages.multidomain.steps=4"), lies("stages.multidomain.steps=3")}) == 4


@pytest.mark.parametrize(
    "word", ["dry_run=true", "cluster.deadlines.rollout=5", "stages.multidomain.checkpoint.keep=9"]
)
def test_what_changes_no_result_does_not_move_the_run(word):
    assert compose([word, ON_CPU]).run_dir == compose([ON_CPU]).run_dir


def test_two_checkpoints_of_one_folder_name_do_not_share_a_run(tmp_path):
    places = []
    for parent in ("a", "b"):
        folder = tmp_path / parent / "step-10"
        folder.mkdir(parents=True)
        (folder / "config.json").write_text("{}")
        places.append(compose([f"model={folder}", ON_CPU]).run_dir)
    assert places[0] != places[1]


# ---- what is wrong ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        (["recipe=multidomian"], ["recipe=multidomian", "did you mean 'multidomain'"]),
        (["model=tny"], ["model=tny", "did you mean 'tiny'", "hub id"]),
        (["model=./nowhere"], ["no folder", "nowhere"]),
        (["modle=tiny"], ["modle", "did you mean 'model'"]),
        (["multidomain"], ["not an override", "recipe=multidomain"]),
        (["recipe"], ["write recipe=<value>"]),
        (["recipe=single"], ["env=<name or folder>", "math"]),
        (["recipe=single", "env=maht"], ["envs.maht", "did you mean 'math'"]),
        (["recipe=single", "env=./nowhere"], ["no env at", "/nowhere"]),
        (["env=math"], ["only recipe=single and recipe=sft_rl take env="]),
        (["stages.multidomain.envs.mathh.level=1"], ["envs.mathh", "did you mean 'math'"]),
        (["stages.multidomain.envs.math.rewards={mth: 1.0}"], ["envs.math", "'mth'", "did you mean 'math'"]),
        (["stages.multidomain.optm.lr=1e-4"], ["stages.multidomain.optm", "did you mean 'optim'"]),
        (["stages.multidomain.optim.leraning_rate=1"], ["optim.leraning_rate", "unknown key", "lr"]),
        (["stages.multidomian.steps=3"], ["unknown stage 'multidomian'", "did you mean 'multidomain'"]),
        (["stages.multidomain.steps=many"], ["stages.multidomain.steps", "'many'", "a whole number"]),
        (["stages.multidomain.steps=true"], ["found true", "a whole number"]),
        (["stages.multidomain.steps='3'"], ["found '3'", "a whole number"]),
        (["stages.multidomain.steps=0"], ["found 0", "above 0"]),
        (["stages.multidomain.steps=null"], ["found null"]),
        (["stages.multidomain.steps.x=3"], ["'stages.multidomain.steps' is a value"]),
        (["dry_run=perhaps"], ["dry_run", "'perhaps'", "true or false"]),
        (["seed=-1"], ["seed", "at least 0"]),
        (["stages.multidomain.optim.lr=nan"], ["optim.lr", "nan"]),
        (["stages.multidomain.optim.lr=inf"], ["optim.lr", "finite"]),
        (["stages.multidomain.optim.betas=[0.9,1.0]"], ["optim.betas", "below 1"]),
        (["stages.multidomain.loss.kind=dappo"], ["found 'dappo'", "did you mean 'dapo'"]),
        (["stages.multidomain.kind=rll"], ["stages.multidomain.kind", "'rll'", "rl", "sft"]),
        (["stages.multidomain.sampling=3"], ["stages.multidomain.sampling", "a section"]),
        (["~stages.multidomain.envs.sqll"], ["no such key", "did you mean 'sql'"]),
        (["seed=${nowhere}"], ["nowhere"]),
        (["seed=1,2"], ["sweep"]),
        (["mixture@stages.multidomain.envs=foo"], ["mixture/foo", "verifiable"]),
        (["trackers=[wandbb]"], ["wandbb", "did you mean 'wandb'"]),
        (["stages.multidomain.sampling.top_p=0.9"], ["sampling.top_p", "log-probs"]),
        (["stages.multidomain.sampling.top_k=5"], ["sampling.top_k", "log-probs"]),
        (["stages.multidomain.sampling.max_tokens=512"], ["sampling.max_tokens", "below sampling.context=512"]),
        (["stages.multidomain.sampling.samples_per_prompt=1"], ["at least 2", "advantage"]),
        (["stages.multidomain.prompts_per_step=5"], ["leaves no prompt", "raise prompts_per_step"]),
        (["cluster.tensor_parallel=2"], ["cluster.tensor_parallel", "CPU"]),
        (["cluster.colocate=true"], ["cluster.colocate"]),
        (["cluster.offload_policy=true"], ["cluster.offload_policy", "without a GPU"]),
        (["model.lora.rnk=4"], ["model.lora.rnk", "did you mean 'rank'"]),
        (["model.lora.rank=0"], ["model.lora.rank", "above 0"]),
        (["cluster.gpu_memory_share=1.5"], ["cluster.gpu_memory_share"]),
        (["model=tiny-random", "stages.multidomain.sampling.context=9000"], ["sampling.context", "at most 1024"]),
        (["model=tiny-random", "cluster.kv_cache_bytes=1000"], ["cluster.kv_cache_bytes", "at least"]),
        (["+stages.a/b={kind: rl}"], ["a/b"]),
    ],
)
def test_one_mistake_one_message(argv, said):
    message = problems(*argv)
    for part in said:
        assert part in message


def test_an_env_of_our_name_in_the_working_directory_is_an_error_that_names_both(tmp_path, monkeypatch):
    (tmp_path / "envs" / "math").mkdir(parents=True)
    (tmp_path / "envs" / "math" / "env.py").write_text("raise SystemExit('listing must not import')")
    monkeypatch.chdir(tmp_path)
    message = problems("recipe=single", "env=math")
    assert str(tmp_path / "envs" / "math" / "env.py") in message
    assert "found in 2 places" in message


def test_an_uninstalled_tracker_says_what_to_type(monkeypatch):
    monkeypatch.setattr("rlstack.config.checks.find_spec", lambda name: None)
    assert "make setup EXTRAS=wandb" in problems("trackers=[wandb]")


def test_all_mistakes_at_once():
    message = problems(
        "stages.multidomain.steps=many",
        "stages.multidomain.kl.beta=-1",
        "stages.multidomain.optm.lr=1",
        "stages.multidomain.envs.mathh={}",
        "trackers=[foo]",
    )
    assert message.startswith("5 problems")
    for where in ("multidomain.steps", "kl.beta", "multidomain.optm", "envs.mathh", "trackers"):
        assert where in message


def test_a_folder_without_config_is_no_checkpoint(tmp_path):
    assert "no config.json" in problems(f"model={tmp_path}")


# ---- choices of one's own -----------------------------------------------------------------------------


def test_recipes_of_the_working_directory_are_choices(tmp_path, monkeypatch):
    recipes = tmp_path / "recipes" / "recipe"
    recipes.mkdir(parents=True)
    (recipes / "mine.yaml").write_text(
        "# @package _global_\ndefaults: [multidomain, _self_]\nrecipe: mine\nstages: {multidomain: {steps: 7}}\n"
    )
    monkeypatch.chdir(tmp_path)
    config = compose(["recipe=mine", ON_CPU])
    assert (config.recipe, config.stages["multidomain"].steps) == ("mine", 7)
    assert "did you mean 'mine'" in problems("recipe=minee")


def test_a_recipe_of_our_name_is_an_error_that_names_both(tmp_path, monkeypatch):
    own = tmp_path / "recipes" / "recipe" / "multidomain.yaml"
    own.parent.mkdir(parents=True)
    own.write_text("")
    monkeypatch.chdir(tmp_path)
    message = problems()
    assert str(own) in message
    assert message.count("multidomain.yaml") == 2


@pytest.mark.slow
def test_every_shipped_choice_composes():
    from rlstack.config.choices import TREE

    for model in sorted((Path(TREE) / "model").glob("*.yaml")):
        if model.stem != "hf":
            assert compose([f"model={model.stem}", ON_CPU]).model.name == model.stem
