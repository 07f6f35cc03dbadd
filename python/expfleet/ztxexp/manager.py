"""Makes the list of configurations, in ztxexp's order and with its draws."""

from __future__ import annotations

import copy
import itertools
import json
import random
from pathlib import Path
from typing import Any, Callable, Dict, List, Mapping, Optional, Sequence, Union

__all__ = ["ExpManager"]

Config = Dict[str, Any]


class ExpManager:
    """Expanders (``grid``, ``variants``, ``random_search``) work at once and in the order of the calls; ``build`` then
    applies modifiers, predicates, the exclusion of what is completed, and the shuffle."""

    def __init__(self, base_config: Any = None) -> None:
        base = {} if base_config is None else dict(base_config if hasattr(base_config, "keys") else vars(base_config))
        self._configs: List[Config] = [base]
        self._modifiers: List[Callable[[Config], Optional[Config]]] = []
        self._predicates: List[Callable[[Config], bool]] = []
        self._completed_root: Optional[Path] = None
        self._ignored: frozenset[str] = frozenset()
        self._shuffles = False

    def grid(self, param_grid: Mapping[str, Sequence[Any]]) -> ExpManager:
        """Every combination of the values; the last key changes fastest."""
        if param_grid:
            combinations = [dict(zip(param_grid, values)) for values in itertools.product(*param_grid.values())]
            self._configs = [{**copy.deepcopy(config), **each} for config in self._configs for each in combinations]
        return self

    def variants(self, variants: Union[Sequence[Mapping[str, Any]], Mapping[str, Sequence[Any]]]) -> ExpManager:
        """One configuration for each variant, its keys over those that are there."""
        if not variants:
            return self
        if isinstance(variants, Mapping):
            variants = [{key: value} for key, values in variants.items() for value in values]
        self._configs = [
            copy.deepcopy({**config, **variant}) for config in self._configs for variant in variants
        ]
        return self

    def random_search(self, space: Mapping[str, Sequence[Any]], n_trials: int, seed: int = 42) -> ExpManager:
        """Draws ``n_trials`` for each configuration, with replacement, from one generator."""
        if not space or n_trials <= 0:
            return self
        generator = random.Random(seed)
        lists = {key: list(values) for key, values in space.items()}
        self._configs = [
            {**copy.deepcopy(config), **{key: generator.choice(values) for key, values in lists.items() if values}}
            for config in self._configs
            for _ in range(n_trials)
        ]
        return self

    def modify(self, modifier: Callable[[Config], Optional[Config]]) -> ExpManager:
        """The function changes a configuration or returns another one."""
        self._modifiers.append(modifier)
        return self

    def where(self, predicate: Callable[[Config], bool]) -> ExpManager:
        """Only configurations for which the function is true."""
        self._predicates.append(predicate)
        return self

    def exclude_completed(
        self, results_root: Union[str, Path], ignore_keys: Optional[Sequence[str]] = None
    ) -> ExpManager:
        """Not those that succeeded in this directory before."""
        self._completed_root = Path(results_root)
        self._ignored = frozenset(ignore_keys or ())
        return self

    def shuffle(self) -> ExpManager:
        self._shuffles = True
        return self

    def build(self) -> List[Config]:
        configs = [self._modified(copy.deepcopy(config)) for config in self._configs]
        configs = [config for config in configs if all(predicate(config) for predicate in self._predicates)]
        if self._completed_root is not None:
            done = [self._identity(config) for config in _completed(self._completed_root)]
            configs = [config for config in configs if self._identity(config) not in done]
        if self._shuffles:
            random.shuffle(configs)
        return configs

    def _modified(self, config: Config) -> Config:
        for modifier in self._modifiers:
            result = modifier(config)
            if result is not None and not isinstance(result, dict):
                raise TypeError("Modifier must return dict or None.")
            config = config if result is None else result
        return config

    def _identity(self, config: Config) -> Config:
        return {key: _plain(value) for key, value in config.items() if key not in self._ignored}

    add_grid_search = grid
    add_variants = variants
    add_modifier = modify
    add_filter = where
    filter_completed = exclude_completed
    get_configs = build
    add_random_search = random_search


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(each) for key, each in value.items()}
    return [_plain(each) for each in value] if isinstance(value, (list, tuple)) else value


def _completed(root: Path) -> List[Config]:
    found = []
    for directory in sorted(root.iterdir()) if root.is_dir() else ():
        run = _read_object(directory / "run.json")
        if run.get("schema_version") == 2 and run.get("status") == "succeeded":
            config = _read_object(directory / "config.json")
            found.append(config)
    return found


def _read_object(path: Path) -> Config:
    """A file that cannot be read says nothing, and spoils nothing for the others."""
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return value if isinstance(value, dict) else {}
