"""What it takes to ask for a job again: the request as the store has it, and how the queue and the store are opened."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..client.client import BASE_URL
from ..request.models import ModelDefinition
from ..store.job_row import Record
from ..store.store import Store
from .seeds import seeded_values


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

    @property
    def is_default_address(self) -> bool:
        """Whether the queue is at Decart's own address."""
        return self.base_url == BASE_URL

    def inputs(self) -> dict[str, Any]:
        """The inputs by name: plain values with the seed, and of each file the path of the copy that the store keeps.

        Raises:
            StoreError: what the store says of a file cannot be right.
        """
        files: dict[str, Path] = {name: self.store.files.input(file) for name, file in self.record.files.items()}
        return {**self.record.inputs, **seeded_values(self.record), **files}
