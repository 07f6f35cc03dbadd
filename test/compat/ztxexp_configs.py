"""Builds the configurations of pipelines with the published ztxexp. Reads a JSON list of pipelines from stdin: a base, steps as
[method, arguments...], and conditions in Python over the keys of a configuration. Prints the lists of configurations as JSON."""

import json
import sys

from ztxexp.manager import ExpManager


def configs_of(pipeline):
    manager = ExpManager(pipeline["base"])
    for method, *arguments in pipeline["steps"]:
        getattr(manager, method)(*arguments)
    for condition in pipeline["where"]:
        code = compile(condition, "where", "eval")
        manager.where(lambda config, code=code: eval(code, {}, config))
    return manager.build()


json.dump([configs_of(pipeline) for pipeline in json.load(sys.stdin)], sys.stdout)
