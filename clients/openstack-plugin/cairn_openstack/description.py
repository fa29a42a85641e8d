"""The commands as data: `commands.json` is made from the table of Cairn's own command line."""

import json
import pathlib

_DESCRIPTION = json.loads(
    (pathlib.Path(__file__).parent / "commands.json").read_text(encoding="utf-8")
)
COMMANDS = _DESCRIPTION["commands"]
LISTS = _DESCRIPTION["lists"]


def class_name(name):
    """`WorkloadSnapshotList` for `workload snapshot list`: what an entry point refers to."""
    return "".join(part.capitalize() for part in name.replace("-", " ").split())


def entry_points():
    """The entry points of all commands, as setuptools wants them."""
    return [
        "{} = cairn_openstack.commands:{}".format(
            command["name"].replace(" ", "_"), class_name(command["name"])
        )
        for command in COMMANDS
    ]
