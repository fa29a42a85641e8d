#!/usr/bin/python3
"""Makes Keystone's roles, projects, users, services and endpoints; what is there is left alone.

One process for all, as each call of the command line costs two seconds. Reads one JSON object.
"""
import json
import sys

from keystoneauth1 import session
from keystoneauth1.identity import v3
from keystoneclient.v3 import client

wanted = json.load(sys.stdin)
auth = v3.Password(
    auth_url=wanted["auth_url"],
    username="admin",
    password=wanted["admin_password"],
    project_name="admin",
    user_domain_id="default",
    project_domain_id="default",
)
keystone = client.Client(session=session.Session(auth=auth), endpoint_override=wanted["auth_url"])


def ensure(manager, make):
    """A function that gives the thing of a name, made if it is not there."""
    there = {each.name: each for each in manager.list()}

    def find(name):
        if name not in there:
            there[name] = make(name)
        return there[name]

    return find


def make_user(name):
    password = wanted["demo_password"] if name == "demo" else wanted["service_password"]
    return keystone.users.create(name, domain="default", password=password)


role = ensure(keystone.roles, lambda name: keystone.roles.create(name))
project = ensure(keystone.projects, lambda name: keystone.projects.create(name, "default"))
user = ensure(keystone.users, make_user)

for name in wanted["service_users"]:
    for each in ("admin", "service"):
        keystone.roles.grant(role(each), user=user(name), project=project("service"))
role("reader")
keystone.roles.grant(role("member"), user=user("demo"), project=project("demo"))
keystone.roles.grant(role("admin"), user=user("admin"), project=project("demo"))

endpoints = {(each.service_id, each.interface) for each in keystone.endpoints.list()}
services = {each.name: each for each in keystone.services.list()}
for name, kind, url in wanted["services"]:
    service = services.get(name) or keystone.services.create(name, kind)
    for interface in ("public", "internal", "admin"):
        if (service.id, interface) not in endpoints:
            keystone.endpoints.create(service, url, interface, wanted["region"])
