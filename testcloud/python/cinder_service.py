#!/usr/bin/python3
"""Runs cinder-api, cinder-scheduler or cinder-volume: cinder_service.py api|scheduler|volume OPTIONS.

oslo.messaging 14.0.3 hands a notification's context on with known fields only, and Cinder 21's from_dict()
then refuses it ("read_deleted can only be one of 'no', 'yes' or 'only', not None"): with notifications on,
creating a volume type is answered with 500. Later versions of Cinder take 'no' when the field is missing;
so it is here.
"""
import importlib
import sys

import eventlet

# As each of Cinder's programs does first of all.
eventlet.monkey_patch()

from cinder import context  # noqa: E402

strict_from_dict = context.RequestContext.from_dict


def from_dict(cls, values):
    return strict_from_dict({"read_deleted": "no", **values})


context.RequestContext.from_dict = classmethod(from_dict)

kind = sys.argv.pop(1)
sys.argv[0] = f"/usr/bin/cinder-{kind}"
sys.exit(importlib.import_module(f"cinder.cmd.{kind}").main())
