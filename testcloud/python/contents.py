#!/usr/bin/python3
"""Waits until the cloud's parts report themselves up, then makes what a tenant finds in it.

Flavors, volume types, an external network, a network with a router in the project demo, rules of its default
security group, and the guest's image. What is there is left alone. Reads one JSON object.
"""
import json
import subprocess
import sys
import time

import openstack
from openstack import exceptions

DEADLINE_S = 180
AGENTS = {"neutron-linuxbridge-agent", "neutron-dhcp-agent", "neutron-l3-agent", "neutron-metadata-agent"}

wanted = json.load(sys.stdin)


def is_fresh(reported_at):
    """Whether a part has reported itself since this start; older reports count as alive for a minute."""
    return (reported_at or "").replace(" ", "T")[:19] >= wanted["since"]


def connect(login, password):
    return openstack.connection.Connection(
        auth={
            "auth_url": wanted["auth_url"],
            "username": login,
            "password": password,
            "project_name": login,
            "user_domain_name": "Default",
            "project_domain_name": "Default",
        },
        region_name=wanted["region"],
    )


def wait_for(name, is_there):
    began = time.monotonic()
    while True:
        try:
            if is_there():
                print(f"{name}: up after {time.monotonic() - began:.1f} s", flush=True)
                return
            trouble = "not yet"
        except (exceptions.SDKException, KeyError) as error:
            trouble = error
        if time.monotonic() - began > DEADLINE_S:
            sys.exit(f"{name}: not up after {DEADLINE_S} s: {trouble}")
        time.sleep(0.5)


admin = connect("admin", wanted["admin_password"])


def is_compute_up():
    services = [each for each in admin.compute.services() if each.binary == "nova-compute"]
    return any(each.state == "up" and is_fresh(each.updated_at) for each in services)


def are_agents_up():
    agents = admin.network.agents()
    return AGENTS <= {each.binary for each in agents if each.is_alive and is_fresh(each.last_heartbeat_at)}


def are_volumes_up():
    services = admin.block_storage.get("/os-services").json()["services"]
    up = [each for each in services if each["state"] == "up" and is_fresh(each["updated_at"])]
    return set(wanted["volume_types"]) <= {each["host"].partition("@")[2] for each in up}


def is_hypervisor_known():
    return any(each.name for each in admin.compute.hypervisors())


wait_for("nova-compute", is_compute_up)
if not is_hypervisor_known():
    command = ["nova-manage", "--config-file", wanted["nova_conf"], "cell_v2", "discover_hosts"]
    subprocess.run(command, check=True)
wait_for("hypervisor", is_hypervisor_known)
wait_for("Neutron's agents", are_agents_up)
wait_for("Cinder's backends", are_volumes_up)

for flavor in wanted["flavors"]:
    if admin.compute.find_flavor(flavor["name"]) is None:
        admin.compute.create_flavor(**flavor)

types = {each.name for each in admin.block_storage.types()}
for name in wanted["volume_types"]:
    if name not in types:
        admin.block_storage.create_type(name=name, extra_specs={"volume_backend_name": name})

external = wanted["external"]
ext = admin.network.find_network("ext") or admin.network.create_network(
    name="ext",
    is_router_external=True,
    provider_network_type="flat",
    provider_physical_network="ext",
)
if admin.network.find_subnet("ext4") is None:
    admin.network.create_subnet(
        name="ext4",
        network_id=ext.id,
        ip_version=4,
        cidr=external["cidr"],
        gateway_ip=external["gateway"],
        is_dhcp_enabled=False,
        allocation_pools=[{"start": external["first"], "end": external["last"]}],
    )

demo = connect("demo", wanted["demo_password"])
net = demo.network.find_network("priv") or demo.network.create_network(name="priv")
subnet = demo.network.find_subnet("priv4") or demo.network.create_subnet(
    name="priv4", network_id=net.id, ip_version=4, cidr=wanted["tenant_cidr"]
)
router = demo.network.find_router("r1") or demo.network.create_router(
    name="r1", external_gateway_info={"network_id": ext.id}
)
if not any(True for _ in demo.network.ports(device_id=router.id, network_id=net.id)):
    demo.network.add_interface_to_router(router, subnet_id=subnet.id)
group = next(demo.network.security_groups(name="default", project_id=demo.current_project_id))
for protocol in ("icmp", "tcp"):
    try:
        demo.network.create_security_group_rule(
            security_group_id=group.id, direction="ingress", ethertype="IPv4", protocol=protocol
        )
    except exceptions.ConflictException:
        pass  # the rule is there

guest = admin.image.find_image("guest")
if guest is not None and guest.status != "active":
    admin.image.delete_image(guest)  # an upload that was interrupted
    guest = None
if guest is None:
    admin.image.create_image(
        name="guest",
        disk_format="qcow2",
        container_format="bare",
        visibility="public",
        filename=wanted["image"],
        hw_qemu_guest_agent="yes",
        os_require_quiesce="yes",
        hw_rng_model="virtio",
        os_type="linux",
        wait=True,
        validate_checksum=False,
    )
