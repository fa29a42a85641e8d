"""Project > Backups > Workloads."""
