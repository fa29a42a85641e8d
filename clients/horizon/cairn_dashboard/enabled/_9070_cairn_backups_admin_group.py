from cairn_dashboard import texts

PANEL_GROUP = "cairn_admin"
PANEL_GROUP_NAME = texts.BACKUPS_ADMIN
PANEL_GROUP_DASHBOARD = "admin"
