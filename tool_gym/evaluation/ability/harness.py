"""Tasks of lm-evaluation-harness (the package lm-eval), for a model that is already loaded."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tool_gym.errors import InputError, UnknownName
from tool_gym.evaluation.ability.measure import Measure
from tool_gym.models.local import LocalModel

_AT_ONCE = 8


def run_tasks(
    model: LocalModel, tasks: Sequence[str], include: Path | None = None, limit: int | None = None
) -> list[Measure]:
    """Measures a model on tasks of the harness: one measure for each task, or part of one, and metric.

    Args:
        model: The model.
        tasks: Names of tasks or groups, as the harness has them. Most of them fetch their data at first use.
        include: A folder of one's own tasks (.yaml), or None.
        limit: Only so many items of each task, the first ones; None: all.

    Raises:
        InputError: If lm-eval is missing, or the data of a task cannot be had.
        UnknownName: If there is no such task.
    """
    try:
        from lm_eval import simple_evaluate
        from lm_eval.models.huggingface import HFLM
        from lm_eval.tasks import TaskManager
    except ImportError as error:
        raise InputError(f"tasks of lm-evaluation-harness need {error.name}; pip install 'tool-gym[ability]'") from None
    manager = TaskManager(include_path=str(include) if include else None)
    for name in tasks:
        if name not in manager.all_tasks:
            advice = "Your own tasks are .yaml files of a folder, named with --include."
            raise UnknownName("task of lm-evaluation-harness", name, manager.all_tasks, advice)
    network = HFLM(pretrained=model.model, tokenizer=model.tokenizer, batch_size=_AT_ONCE)
    try:
        found = simple_evaluate(network, tasks=list(tasks), task_manager=manager, limit=limit, bootstrap_iters=0)
    except (OSError, ValueError) as error:  # datasets has both for data that is not there
        raise InputError(f"tasks {', '.join(tasks)}: {str(error)[:500]}") from None
    return _measures(found)


def _measures(found: Any) -> list[Measure]:
    """Of the harness's results the figures of single items; metrics that only a whole task has are left out."""
    items: dict[tuple[str, str], dict[Any, float]] = {}
    for task, samples in found["samples"].items():
        for sample in samples:
            how = "" if sample["filter"] == "none" else f" ({sample['filter']})"
            for metric in sample["metrics"]:
                if isinstance(value := sample[metric], (int, float)):
                    items.setdefault((task, metric + how), {})[sample["doc_id"]] = float(value)
    better = found["higher_is_better"]
    return [
        Measure(task, figure, values, higher_is_better=better[task].get(figure.split(" ")[0]) is not False)
        for (task, figure), values in items.items()
    ]
