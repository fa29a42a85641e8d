from cairn_dashboard import texts

PANEL_GROUP = "cairn"
PANEL_GROUP_NAME = texts.BACKUPS
PANEL_GROUP_DASHBOARD = "project"
