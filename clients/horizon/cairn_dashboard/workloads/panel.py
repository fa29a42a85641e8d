"""The panel of a project's people."""

import horizon

from cairn_dashboard import access
from cairn_dashboard import texts


class Workloads(horizon.Panel):
    name = texts.WORKLOADS
    slug = "cairn_workloads"
    permissions = access.project_permissions()
