"""What is needed to submit a job again: its request as it is stored, and the address of its queue and its store."""

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
    """What is needed to submit a job again, except the API key.

    Attributes:
        record: the job's row in the store, with its request.
        model: the model; ``None`` if the catalogue does not list it and no definition was passed.
        store: the store with the job's input files.
        backend: ``live`` or ``local``.
        base_url: the queue's address.
        prices: USD per generated second by model, as passed to ``connect``.
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
        """The inputs by name: plain values with the seed, and the path of each file's copy in the store.

        Raises:
            StoreError: the row's entry of a file is not valid.
        """
        files: dict[str, Path] = {name: self.store.files.input(file) for name, file in self.record.files.items()}
        return {**self.record.inputs, **seeded_values(self.record), **files}
