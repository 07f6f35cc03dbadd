"""A package `wandb` as far as the coordinator's helper uses it, with a server that is a directory: a file of rows for each run.
As W&B does, it goes on with a run that it has, and passes over rows of steps that it is beyond.
"""

import json
import os

__version__ = "0.0-fake"
ROOT = os.environ["FAKE_WANDB"]


class Settings:
    def __init__(self, **values):
        self._offline = False


class Summary(dict):
    pass


class Run:
    def __init__(self, id, settings, **facts):
        self.path = os.path.join(ROOT, id + ".json")
        self.settings = settings
        self.state = {"rows": [], "inits": 0, "exit": None}
        if os.path.exists(self.path):
            self.state = json.load(open(self.path))
        facts.pop("dir"), facts.pop("mode")
        assert facts.pop("resume") == "allow" and facts.pop("reinit") == "create_new"
        self.state.update(facts=facts)
        self.state["inits"] += 1
        self.summary = Summary()
        self.tags, self.notes = facts.get("tags", ()), ""
        self._save()

    @property
    def step(self):
        return self.state["rows"][-1]["_step"] + 1 if self.state["rows"] else 0

    def define_metric(self, name, step_metric=None):
        pass

    def log(self, row, step, commit):
        if os.path.exists(os.path.join(ROOT, "die")):
            os.remove(os.path.join(ROOT, "die"))
            os._exit(9)
        if step >= self.step:
            self.state["rows"].append(dict(row, _step=step))
            self._save()

    def finish(self, exit_code=0):
        self.state["exit"] = exit_code
        self._save()

    def _save(self):
        self.state.update(tags=list(self.tags), notes=self.notes, summary=dict(self.summary))
        with open(self.path, "w") as file:
            json.dump(self.state, file)


def init(settings, **facts):
    assert os.environ.get("WANDB_API_KEY") == "key-5d1f"
    return Run(settings=settings, **facts)
