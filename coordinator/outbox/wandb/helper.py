"""Shows runs in Weights & Biases through its own package, for the coordinator: a request a line on stdin, an answer a line on
stdout. What the package prints goes nowhere. Ends when stdin does, with every run finished, so that nothing is lost.
"""

import json
import os
import sys


class Helper:
    def __init__(self):
        self.wandb = None
        self.settings = {}
        self.runs = {}

    def hello(self, request):
        for name, key in (("WANDB_API_KEY", "api_key"), ("WANDB_BASE_URL", "base_url")):
            if request.get(key):
                os.environ[name] = request[key]
        os.environ["WANDB_SILENT"] = "true"
        os.environ["WANDB_CONSOLE"] = "off"
        try:
            import wandb
        except ImportError as error:
            return {"missing": "%s" % error}
        self.wandb = wandb
        os.makedirs(request["dir"], exist_ok=True)
        self.settings = {"mode": request["mode"], "dir": request["dir"]}
        return {"version": wandb.__version__}

    def open(self, request):
        name = request["run"]["id"]
        if name not in self.runs:
            run = self.wandb.init(
                resume="allow",
                reinit="create_new",
                settings=self.wandb.Settings(
                    console="off",
                    disable_git=True,
                    save_code=False,
                    x_disable_meta=True,
                    x_disable_stats=True,
                    x_disable_machine_info=True,
                    init_timeout=60,
                ),
                **request["run"],
                **self.settings
            )
            run.define_metric("step")
            run.define_metric("*", step_metric="step")
            self.runs[name] = run
        run = self.runs[name]
        return {"step": run.step, "offline": bool(run.settings._offline)}

    def log(self, request):
        run = self.runs[request["run"]]
        for i, point in enumerate(request["points"]):
            values = {key: float(value) for key, value in point["values"].items()}
            # Of equal rows the package keeps the first: it passes over steps that it is beyond.
            row = dict(values, step=point["step"], _timestamp=point["at"])
            run.log(row, step=request["first"] + i, commit=True)
            if point.get("final"):
                run.summary.update(dict(values, **point["texts"]))
        return {}

    def describe(self, request):
        run = self.runs[request["run"]]
        run.tags = tuple(request["tags"])
        run.notes = request["notes"]
        run.summary.update(request["summary"])
        return {}

    def finish(self, request):
        run = self.runs.pop(request["run"], None)
        if run is not None:
            run.finish(exit_code=request["exit_code"])
        return {}

    def close(self):
        for run in list(self.runs.values()):
            try:
                run.finish()
            except Exception as error:
                sys.stderr.write("%s\n" % error)
        self.runs.clear()


def main():
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)
    helper = Helper()
    for line in sys.stdin:
        request = json.loads(line)
        try:
            answer = getattr(helper, request["op"])(request)
        except Exception as error:
            answer = {"error": "%s: %s" % (type(error).__name__, error)}
        answer["id"] = request["id"]
        answers.write(json.dumps(answer) + "\n")
        answers.flush()
    helper.close()


if __name__ == "__main__":
    main()
