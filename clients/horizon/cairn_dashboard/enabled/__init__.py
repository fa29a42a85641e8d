"""What Horizon reads to find the panels: these files lie in its openstack_dashboard/local/enabled."""
