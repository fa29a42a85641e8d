PANEL = "cairn_workloads"
PANEL_DASHBOARD = "project"
PANEL_GROUP = "cairn"
ADD_PANEL = "cairn_dashboard.workloads.panel.Workloads"
ADD_INSTALLED_APPS = ["cairn_dashboard"]
