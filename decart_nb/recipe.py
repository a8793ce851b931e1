"""What it takes to ask for a job again: the request as the store has it, and how the queue and the store are opened."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .catalogue import ModelDefinition
from .records import Record
from .store import Store


@dataclass(frozen=True)
class Recipe:
    """What it takes to ask for a job again. It holds no key.

    Attributes:
        record: what was asked for.
        model: the model; ``None`` where no table lists it and nobody has said what it is.
        store: where its files are kept.
        backend: ``live`` or ``local``.
        base_url: the queue's address.
        prices: USD per generated second by model, as the session was told.
    """

    record: Record
    model: ModelDefinition | None
    store: Store
    backend: str
    base_url: str
    prices: Mapping[str, float]

    def inputs(self) -> dict[str, Any]:
        """The inputs by name: plain values, and of each file the path of the copy that the store keeps.

        Raises:
            StoreError: what the store says of a file cannot be right.
        """
        files: dict[str, Path] = {name: self.store.files.input(file) for name, file in self.record.files.items()}
        return {**self.record.inputs, **files}
