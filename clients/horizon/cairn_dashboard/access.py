"""Who sees the panels: Horizon's own permissions, by the catalogue and by roles."""

from django.conf import settings

SERVICE_TYPE = "workloads"


def _any_of(roles):
    """One permission that each of these roles grants: Horizon reads a tuple within a list as "or"."""
    return tuple("openstack.roles.%s" % role.lower() for role in roles)


def project_permissions():
    """For Project: the service in the catalogue, and one of CAIRN_ROLES where that is set."""
    roles = getattr(settings, "CAIRN_ROLES", ())
    service = "openstack.services.%s" % SERVICE_TYPE
    return (service, _any_of(roles)) if roles else (service,)


def admin_permissions():
    """For Admin: the service in the catalogue, and one of the roles that administer the cloud."""
    usual = getattr(settings, "OPENSTACK_KEYSTONE_ADMIN_ROLES", ("admin",))
    roles = getattr(settings, "CAIRN_ADMIN_ROLES", usual)
    return ("openstack.services.%s" % SERVICE_TYPE, _any_of(roles))
