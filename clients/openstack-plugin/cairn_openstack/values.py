"""From the command line to the request, and from the reply to what is printed. Pure."""

import argparse
import ast
import json

import yaml

_TRUE = ("true", "1", "yes", "on", "t", "y")
_FALSE = ("false", "0", "no", "off", "f", "n")
_TIER_LISTS = ("backup_time", "backup_day", "month_backup_day", "backup_month")


def boolean(text):
    """`True` or `False` in any spelling."""
    word = text.strip().lower()
    if word in _TRUE:
        return True
    if word in _FALSE:
        return False
    raise argparse.ArgumentTypeError("invalid choice: '%s' (choose from 'True', 'False')" % text)


def pair(text):
    """`KEY=VALUE` in its two parts."""
    key, equals, value = text.partition("=")
    if not key or not equals:
        raise argparse.ArgumentTypeError("expected key=value, not '%s'" % text)
    return key, value


def tier(text):
    """A part of a tiered schedule: some are lists with commas, numbers are numbers."""
    key, value = pair(text)
    if key in _TIER_LISTS:
        return key, [_number(each.strip()) for each in value.split(",")]
    return key, _number(value)


def _number(text):
    return int(text) if text.isdigit() else text


def member(text):
    """An instance: `instance-id=ID`, or the id alone."""
    return {"instance-id": text[len("instance-id=") :] if text.startswith("instance-id=") else text}


def words(text):
    """Several words with commas."""
    return [each for each in text.split(",") if each]


def document(path):
    """What a file says, as JSON or as a literal of Python; without the wrapping of a request."""
    text = contents(path)
    try:
        value = json.loads(text)
    except ValueError:
        try:
            value = ast.literal_eval(text)
        except (ValueError, SyntaxError, MemoryError, RecursionError) as error:
            raise argparse.ArgumentTypeError(
                "%s is neither JSON nor a literal of Python: %s" % (path, error)
            )
    if isinstance(value, dict) and isinstance(value.get("restore"), dict):
        return value["restore"].get("options", value)
    return value


def contents(path):
    """The text of a file."""
    try:
        with open(path, encoding="utf-8") as file:
            return file.read()
    except OSError as error:
        raise argparse.ArgumentTypeError("%s cannot be read: %s" % (path, error.strerror))


def yaml_file(path):
    """What a file of YAML says; JSON is YAML, too."""
    try:
        return yaml.safe_load(contents(path))
    except yaml.YAMLError as error:
        raise argparse.ArgumentTypeError("%s is no YAML: %s" % (path, str(error).split("\n")[0]))


def reassign_map(rows):
    """The map that reassigns many workloads at once, one entry a former project."""
    projects = {}
    for row in rows:
        projects.setdefault(row["project_id"], []).append(row)
    entries = [
        {
            "old_tenant_ids": [project],
            "new_tenant_id": "",
            "user_id": "",
            "migrate_cloud": any(row["standing"] == "other-cloud" for row in workloads),
            "workloads": ", ".join(row["name"] for row in workloads),
        }
        for project, workloads in projects.items()
    ]
    return yaml.safe_dump({"reassign_mappings": entries}, sort_keys=False)


def request_of(fixed, given):
    """The parts of a request. `given` are pairs of a parameter and its value."""
    request = {"path": {}, "query": {}, "filter": {}, "out": {}}
    documents = [each for each in given if each[0].get("value") == "document"]
    for parameter, value in documents:
        _refuse_other(parameter, value, fixed)
        _put(request, parameter["to"].split("."), value)
    for to, value in fixed.items():
        _put(request, to.split("."), value)
    for parameter, value in given:
        if parameter.get("value") != "document":
            _put(request, parameter["to"].split("."), value)
    return request


def _refuse_other(parameter, value, fixed):
    """A file for another kind of restore is a mistake; it is not bent to this command."""
    prefix = parameter["to"] + "."
    for to, wanted in fixed.items():
        if not to.startswith(prefix):
            continue
        said = part_of(value, to[len(prefix) :])
        if said is not None and str(said).lower() != str(wanted).lower():
            raise ValueError(
                "The file has %s %s, and this command is for %s."
                % (to[len(prefix) :], said, wanted)
            )


def _put(into, keys, value):
    key, rest = keys[0], keys[1:]
    if isinstance(into, list):
        key = int(key)
        into.extend([None] * (key + 1 - len(into)))
        before = into[key]
    else:
        before = into.get(key)
    if rest:
        empty = [] if rest[0].isdigit() else {}
        into[key] = before if isinstance(before, (dict, list)) else empty
        _put(into[key], rest, value)
    elif isinstance(before, list) and isinstance(value, list):
        into[key] = before + value
    elif isinstance(before, dict) and isinstance(value, dict):
        into[key] = {**before, **value}
    else:
        into[key] = value


def part_of(value, path):
    """A part of a reply by its path, such as `trust.0`."""
    for key in path.split(".") if path else []:
        if isinstance(value, list):
            value = value[int(key)] if key.isdigit() and int(key) < len(value) else None
        else:
            value = value.get(key) if isinstance(value, dict) else None
    return value


def cell_of(item, column):
    """The value of a column: `[head, field]`, or `[head, field, "json"]`."""
    places = [part_of(item, field) for field in column[1].split("|")]
    value = next((each for each in places if each is not None), None)
    return json.dumps(value) if len(column) > 2 else value


def columns_of(item, fields):
    """The fields of one thing as columns."""
    chosen = list(item or {}) if fields == "all" else fields
    return [[each, each] if isinstance(each, str) else each for each in chosen]


def spread_of(item, spread):
    """A field for each value of a record, as JSON, by the name that it has."""
    if spread is None:
        return []
    found = part_of(item, spread["at"]) or {}
    return [(part.get(spread["head"]) or key, json.dumps(part)) for key, part in found.items()]


def records_of(item, section):
    """The rows of a further table, each with all that it lies in."""
    rows = _along(item, section["rows"].split("."))
    return [{column[0]: cell_of(row, column) for column in section["columns"]} for row in rows]


def _along(value, keys):
    if not keys:
        return [[]]
    if keys[0] != "*":
        return _along(part_of(value, keys[0]), keys[1:])
    items = value if isinstance(value, list) else []
    return [[item] + row for item in items for row in _along(item, keys[1:])]
