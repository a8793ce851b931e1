"""The sweeps and budgets tables of the store's database."""

from __future__ import annotations

import time

from .database import Database

#: In USD, since sums of prices are not exact; no price is as low.
_TOLERANCE = 1e-6


class SweepTable:
    """The definitions of sweeps by their names, and their budgets, which triggers keep as jobs change.

    Args:
        database: where it is.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def spent(self, sweep: str) -> tuple[float, int]:
        """What a sweep has cost, in USD, and how many of its jobs have no known price."""
        with self._database.connection() as database:
            found = database.execute("SELECT spent, unpriced FROM budgets WHERE sweep = ?", [sweep]).fetchone()
        return found or (0.0, 0)

    def is_within(self, cap: float, sweep: str, expected_cost: float | None) -> bool:
        """Whether a sweep may have a job that counts already: one of unknown price as long as anything is left.

        Args:
            cap: what the sweep may cost, in USD.
            sweep: its name.
            expected_cost: what the job is expected to cost.
        """
        if expected_cost == 0:
            return True
        spent, _ = self.spent(sweep)
        return spent < cap - _TOLERANCE if expected_cost is None else spent <= cap + _TOLERANCE

    def raise_to(self, sweep: str, spent: float) -> None:
        """Make a sweep count for at least so much, in USD."""
        with self._database.transaction() as database:
            database.execute(
                "INSERT INTO budgets (sweep, spent) VALUES (?, ?) "
                "ON CONFLICT (sweep) DO UPDATE SET spent = max(spent, excluded.spent)",
                [sweep, spent],
            )

    def save(self, name: str, definition: str) -> None:
        """Store the definition of a sweep under its name, in place of an earlier one."""
        with self._database.transaction() as database:
            database.execute(
                "INSERT INTO sweeps (name, definition, begun_at) VALUES (?, ?, ?) "
                "ON CONFLICT (name) DO UPDATE SET definition = excluded.definition",
                [name, definition, time.time()],
            )

    def forget_if_empty(self, name: str) -> None:
        """Delete the definition of a sweep if none of its jobs is left. What it has cost stays."""
        with self._database.transaction() as database:
            gone = "name = ? AND NOT EXISTS (SELECT 1 FROM jobs WHERE sweep = name)"
            database.execute(f"DELETE FROM sweeps WHERE {gone}", [name])

    def definitions(self) -> dict[str, str]:
        """The definitions of sweeps by their names, the oldest sweep first."""
        with self._database.connection() as database:
            wanted = "SELECT name, definition FROM sweeps WHERE definition != '' ORDER BY begun_at, rowid"
            return dict(database.execute(wanted).fetchall())
