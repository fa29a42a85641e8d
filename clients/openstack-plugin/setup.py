"""The package and its entry points, which are those of `commands.json`."""

import importlib.util
import pathlib

import setuptools

_HERE = pathlib.Path(__file__).parent
_SPEC = importlib.util.spec_from_file_location(
    "description", _HERE / "cairn_openstack" / "description.py"
)
_DESCRIPTION = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(_DESCRIPTION)

setuptools.setup(
    name="cairn-openstackclient",
    version="0.1.0",
    description="openstack workload ...: Cairn's commands in the client of OpenStack",
    license="Apache-2.0",
    packages=["cairn_openstack"],
    package_data={"cairn_openstack": ["commands.json"]},
    python_requires=">=3.9",
    install_requires=["python-openstackclient>=5.4", "osc-lib>=2.3", "keystoneauth1>=4.3", "PyYAML>=5.4"],
    entry_points={
        "openstack.cli.extension": ["workloads = cairn_openstack.plugin"],
        "openstack.workloads.v1": _DESCRIPTION.entry_points(),
    },
)
