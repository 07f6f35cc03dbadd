"""A training script as people write it for EXP, run as it is with EXP installed and without."""

from experiment_manager.core import Experiment, load_experiment

experiment = load_experiment()
assert isinstance(experiment, Experiment)
print("module:", type(experiment).__module__)
print("name:", experiment.name, experiment.current_run_id, experiment.get_summary()["status"])
experiment.append_log("a line of the log")
for epoch in range(1, 4):
    experiment.upd_row(epoch=epoch, loss=1 / (epoch + 1))
    if epoch == 2:
        experiment.upd_row(acc=0.5, note='a "quoted", word\nand a line', none=None)
    experiment.save_row()
print("tail:", "a line of the log" in experiment.get_log_tail())
