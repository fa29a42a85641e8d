"""Admin > Backups-Admin > Backups-Admin."""
