"""A script as it is written for ztxexp, sent to the fleet. From the root of the repository, with a fleet at hand:

    PYTHONPATH=python:python/stand-ins python3 examples/ztxexp/pipeline.py
"""

from ztxexp import ExperimentPipeline, ResultAnalyzer, RunContext, SkipRun


def exp_fn(ctx: RunContext):
    lr, width = ctx.config["lr"], ctx.config["model"]["width"]
    if lr * width > 10:
        raise SkipRun("lr %s is too large for a width of %s" % (lr, width))
    loss = 1.0
    for step in range(20):
        loss *= 1 - min(0.9, lr)
        ctx.log_metric(step, {"loss": loss}, split="train")
    ctx.logger.info("done with a loss of %.4f", loss)
    return {"score": 1 - loss}


if __name__ == "__main__":
    summary = (
        ExperimentPipeline("results_ztxexp", base_config={"epochs": 20})
        .variants([{"model": {"width": 8}}, {"model": {"width": 64}}])
        .grid({"lr": [0.05, 0.2]})
        .name("ztxexp-demo")
        .exclude_completed()
        .run(exp_fn)
    )
    print(summary)
    for record in ResultAnalyzer("results_ztxexp").to_records():
        print(record["lr"], record["model"]["width"], round(record["score"], 3))
