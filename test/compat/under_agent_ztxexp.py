"""A script for ztxexp with every way in which a run may end; its arguments are the results directory and the mode."""

import sys

from ztxexp import ExperimentPipeline, RunContext, SkipRun


def exp_fn(ctx: RunContext):
    kind = ctx.config["kind"]
    for step in range(2):
        ctx.log_metric(step, {"loss": 1.0 / (step + 1)}, split="valid")
    if kind == "skip":
        raise SkipRun("not worth it")
    if kind == "fail":
        raise ValueError("on purpose")
    return {"score": 0.5} if kind == "ok" else None


if __name__ == "__main__":
    pipeline = ExperimentPipeline(sys.argv[1]).grid({"kind": ["ok", "none", "skip", "fail"]})
    summary = pipeline.run(exp_fn, mode=sys.argv[2], workers=2)
    print(type(pipeline).__module__, summary.succeeded, summary.skipped, summary.failed)
