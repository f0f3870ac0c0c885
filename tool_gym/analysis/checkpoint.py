"""Checkpoints on disk, read a piece at a time: one file, shards with an index, or a LoRA adapter over a base."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tool_gym.errors import InputError

if TYPE_CHECKING:
    from torch import Tensor

_ROWS = 1024
"""Rows that are in memory at once: 20 MB of a large vocabulary, not the whole of it."""
_ADAPTER = ("adapter_config.json", "adapter_model.safetensors")
_LORA_PREFIX = "base_model.model."


class Checkpoint:
    """Tensors by name. Opens files when it is entered, and closes them when it is left.

    Attributes:
        path: The folder or file.
        tensors: Names and shapes of the tensors.
    """

    def __init__(self, path: str | Path) -> None:
        """Names a checkpoint.

        Args:
            path: A folder with `model.safetensors`, or with shards and their index; or one `.safetensors` file.

        Raises:
            InputError: If there is no such checkpoint.
        """
        self.path = Path(path)
        self._files = _files(self.path)
        self._where: dict[str, Any] = {}
        self.tensors: dict[str, tuple[int, ...]] = {}

    def __enter__(self) -> Checkpoint:
        from safetensors import SafetensorError, safe_open

        self._open = ExitStack()
        for file in self._files:
            try:
                opened = self._open.enter_context(safe_open(str(file), framework="pt"))
            except (SafetensorError, OSError) as error:
                raise InputError(f"{file}: not a readable safetensors file ({error})") from None
            for name in opened.keys():  # noqa: SIM118 - a file of tensors is no mapping
                self._where[name] = opened
                self.tensors[name] = tuple(opened.get_slice(name).get_shape())
        return self

    def __exit__(self, *error: object) -> None:
        self._open.close()

    def rows(self, name: str) -> Iterator[Tensor]:
        """A tensor in float32, some rows at a time; one of no dimensions as one piece."""
        if not self.tensors[name]:
            yield self._where[name].get_tensor(name).float()
            return
        part = self._where[name].get_slice(name)
        for start in range(0, self.tensors[name][0], _ROWS):
            yield part[start : start + _ROWS].float()


class Adapted(Checkpoint):
    """A LoRA adapter over its base: `W + scale * B A`, computed for the rows that are asked for.

    Attributes:
        base: The open checkpoint that it adapts.
    """

    def __init__(self, path: str | Path, base: Checkpoint) -> None:
        """Names an adapter.

        Args:
            path: Folder of a peft adapter.
            base: Its base, which stays open for as long as this is.

        Raises:
            InputError: If the adapter is one that no sum of matrices spells (DoRA, saved modules, biases).
        """
        super().__init__(Path(path) / _ADAPTER[1])
        self.base = base
        file = Path(path) / _ADAPTER[0]
        config = json.loads(file.read_text(encoding="utf-8"))
        unlike = [key for key in ("use_dora", "modules_to_save", "alpha_pattern", "rank_pattern") if config.get(key)]
        if config.get("peft_type") != "LORA" or unlike or config.get("bias", "none") != "none":
            raise InputError(f"{file}: only plain LoRA can be compared; merge this adapter first ({', '.join(unlike)})")
        rank = config["r"]
        self._scale = config["lora_alpha"] / (rank**0.5 if config.get("use_rslora") else rank)
        self._transposed = bool(config.get("fan_in_fan_out"))

    def __enter__(self) -> Adapted:
        super().__enter__()
        self._factors = self.tensors
        self.tensors = self.base.tensors
        return self

    def rows(self, name: str) -> Iterator[Tensor]:
        """The base's rows, each with what the adapter adds."""
        factor = f"{_LORA_PREFIX}{name.removesuffix('.weight')}.lora_%s.weight"
        if factor % "A" not in self._factors:
            yield from self.base.rows(name)
            return
        down, up = (self._where[factor % which].get_tensor(factor % which).float() for which in "AB")
        if self._transposed:
            down, up = up.T, down.T
        start = 0
        for rows in self.base.rows(name):
            yield rows + self._scale * up[start : start + len(rows)] @ down
            start += len(rows)


def is_adapter(path: str | Path) -> bool:
    """Whether a folder holds a LoRA adapter."""
    return all((Path(path) / name).is_file() for name in _ADAPTER)


def _files(path: Path) -> list[Path]:
    if path.is_file():
        return [path]
    index = path / "model.safetensors.index.json"
    if index.is_file():
        shards = sorted(set(json.loads(index.read_text(encoding="utf-8"))["weight_map"].values()))
        files = [path / name for name in shards]
        if missing := [file.name for file in files if not file.is_file() or file.resolve().parent != path.resolve()]:
            raise InputError(f"{index}: names the shards {missing}, which are not beside it")
        return files
    whole = path / "model.safetensors"
    if whole.is_file():
        return [whole]
    raise InputError(
        f"{path}: no checkpoint here; expected model.safetensors, or shards with model.safetensors.index.json. "
        "Save the model with save_pretrained(folder, safe_serialization=True)"
    )
