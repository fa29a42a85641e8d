PANEL = "cairn_backups_admin"
PANEL_DASHBOARD = "admin"
PANEL_GROUP = "cairn_admin"
ADD_PANEL = "cairn_dashboard.backups_admin.panel.BackupsAdmin"
