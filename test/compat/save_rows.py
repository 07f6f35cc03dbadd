"""A training script as people write it for EXP. The module that load_experiment comes from is its first argument."""

import importlib
import sys

experiment = importlib.import_module(sys.argv[1]).load_experiment()

experiment.upd_row(step=1, loss=0.5)
experiment.upd_row(loss=1e-05)
experiment.save_row()
experiment.save_row()
experiment.upd_row(step=2, acc=float("nan"), note='a, "b"\nc', ok=True, none=None, shape=[1, 2], big=10**20, neg=-0.0)
experiment.save_row()
experiment.upd_row(step=3, note="Grüße", **{"Z": 1e22, "a b": float("-inf")})
experiment.save_row()

if len(sys.argv) > 2:
    experiment.load_metrics_df().to_csv(sys.argv[2], index=False)
