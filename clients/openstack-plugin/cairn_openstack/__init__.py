"""`openstack workload ...`: Cairn's commands in the client of OpenStack."""
