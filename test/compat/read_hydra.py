"""Reads JSON lines of overrides, composes each with Hydra, and prints the configs as `repr` in JSON, a line each.

`{"overrides": [...], "yaml": "..."}`: a config by its overrides, and the same parameters as a YAML file.
"""
import json
import sys

import yaml
from hydra import compose, initialize
from omegaconf import OmegaConf

with initialize(version_base=None, config_path=None):
    for line in sys.stdin:
        case = json.loads(line)
        try:
            found = repr(OmegaConf.to_container(compose(overrides=case["overrides"]), resolve=True))
        except Exception as error:
            found = f"{type(error).__name__}: {error}"
        print(json.dumps({"hydra": found, "yaml": repr(yaml.safe_load(case["yaml"])), "plain": repr(json.loads(case["json"]))}))
