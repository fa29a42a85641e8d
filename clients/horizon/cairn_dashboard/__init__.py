"""Cairn's console in Horizon: Project > Backups and Admin > Backups-Admin."""

__version__ = "0.1.0"
