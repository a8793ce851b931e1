"""The persistent job store: SQLite and a folder."""
