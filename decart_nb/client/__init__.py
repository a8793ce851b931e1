"""Decart's API over httpx, for any asyncio loop. It knows no notebook and no store."""
