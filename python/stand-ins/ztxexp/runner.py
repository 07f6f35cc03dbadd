"""ztxexp's ``runner``."""

from expfleet.ztxexp import ExpRunner, SkipRun

__all__ = ["ExpRunner", "SkipRun"]
