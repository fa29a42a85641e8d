"""`python -m cairn_dashboard enable|disable`: the files by which Horizon finds the panels, beside Horizon's own.

A Debian package brings them itself. Afterwards static files are collected and Horizon is restarted, which
each distribution does in its own way.
"""

import glob
import os
import shutil
import sys

import openstack_dashboard

SOURCE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "enabled")
TARGET = os.path.join(os.path.dirname(os.path.abspath(openstack_dashboard.__file__)), "local", "enabled")


def enable(target=TARGET):
    """Copies them; done again it replaces them."""
    for file in sorted(glob.glob(os.path.join(SOURCE, "_9*.py"))):
        shutil.copy(file, target)
        print("enabled %s" % os.path.basename(file))


def disable(target=TARGET):
    """Removes them, with what Python compiled of them."""
    for file in sorted(glob.glob(os.path.join(SOURCE, "_9*.py"))):
        name = os.path.basename(file)
        compiled = os.path.join(target, "__pycache__", name[:-3] + ".*.pyc")
        there = [os.path.join(target, name), os.path.join(target, name + "c")] + glob.glob(compiled)
        for each in there:
            if os.path.exists(each):
                os.remove(each)
        print("disabled %s" % name)


def main(arguments):
    commands = {"enable": enable, "disable": disable}
    if len(arguments) != 1 or arguments[0] not in commands:
        sys.stderr.write("usage: python -m cairn_dashboard enable|disable\n")
        return 2
    commands[arguments[0]]()
    print("Now: manage.py collectstatic --noinput, and restart Horizon.")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
