"""Leaves results as people have them: `exp FILE` runs a file with the published EXP, `ztxexp ROOT` a grid with the published
ztxexp, of which one configuration fails and one is skipped."""

import sys
from pathlib import Path


def run_exp(path):
    from experiment_manager.scheduler import ExperimentScheduler

    ExperimentScheduler(Path(path)).run_all()


def train(ctx):
    from ztxexp import SkipRun

    lr, model = ctx.config["lr"], ctx.config["optim"]["name"]
    if lr == 0.1 and model == "sgd":
        raise ValueError("diverged")
    if lr == 0.01 and model == "sgd":
        raise SkipRun("not worth it")
    ctx.log_metric(1, {"loss": 2 * lr})
    ctx.log_metric(2, {"loss": lr})
    return {"acc": 1 - lr}


def run_ztxexp(root):
    from ztxexp.pipeline import ExperimentPipeline

    base = {"epochs": 2.0, "amp": True, "optim": {"name": "adam", "betas": (0.9, 0.999)}}
    pipeline = ExperimentPipeline(root, base_config=base)
    pipeline.grid({"lr": [0.1, 0.01]})
    pipeline.variants([{}, {"optim": {"name": "sgd", "betas": (0.9, 0.999)}}])
    pipeline.run(train)


if sys.argv[1] == "exp":
    run_exp(sys.argv[2])
else:
    run_ztxexp(sys.argv[2])
