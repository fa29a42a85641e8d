"""One class for each command of `commands.json`; what they have in common is here, the rest is data."""

import re
from urllib.parse import quote

from osc_lib import exceptions
from osc_lib.command import command

from cairn_openstack import values
from cairn_openstack.description import COMMANDS, LISTS, class_name

_PAGE_ROWS = 500
_PAGES_MAX = 200
_UUID = re.compile(r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$")
_TYPES = {
    "integer": int,
    "boolean": values.boolean,
    "pairs": values.pair,
    "tier": values.tier,
    "member": values.member,
    "document": values.document,
    "contents": values.contents,
    "yaml": values.yaml_file,
    "list": values.words,
}


class _Described:
    """What every command does: its arguments, its request, and an error that says what to do."""

    description = {}

    def get_parser(self, prog_name):
        """The parser with the arguments of the description."""
        parser = super().get_parser(prog_name)
        parser.epilog = "Examples:\n" + "\n".join(
            "  openstack %s %s" % (self.description["name"], each)
            for each in self.description["examples"]
        )
        parser.formatter_class = _keeping_lines(parser.formatter_class)
        has_alone = any(each.get("alone") for each in self.description["parameters"])
        for index, parameter in enumerate(self.description["parameters"]):
            _add(parser, index, parameter, has_alone)
        return parser

    def get_description(self):
        """What `--help` says first."""
        return self.description["summary"]

    def ask(self, parsed_args):
        """The request, and the reply to it."""
        client = self.app.client_manager.workloads
        given = []
        for index, parameter in enumerate(self.description["parameters"]):
            value = getattr(parsed_args, "cairn_%d" % index)
            if value is None or value is False and parameter.get("value") == "flag" or value == []:
                continue
            given.append((parameter, self._understood(client, parameter, value)))
        _demand(self.description["parameters"], [parameter for parameter, _ in given])
        try:
            request = values.request_of(self.description["fixed"], given)
        except ValueError as error:
            raise exceptions.CommandError(str(error))
        return request, self._reply(client, request)

    def _understood(self, client, parameter, value):
        kind = parameter.get("value")
        if parameter.get("find"):
            return _find(client, parameter["find"], value)
        if kind in ("pairs", "tier"):
            return dict(value)
        if kind == "list":
            return [word for each in value for word in each]
        return value

    def _reply(self, client, request):
        operation = self.description["request"]
        result = self.description["result"]
        path = _path(operation["paths"], request["path"])
        if result["kind"] == "list" and operation["paged"]:
            marker = result.get("marker", "id")
            rows = _all(client, path, request["query"], result["at"], marker)
            return {result["at"]: rows}
        return _call(client, operation["method"], path, request["query"], request.get("body"))


class _List(_Described, command.Lister):
    def take_action(self, parsed_args):
        """The rows of the reply."""
        request, reply = self.ask(parsed_args)
        result = self.description["result"]
        rows = values.part_of(reply, result["at"]) or []
        kept = [
            row
            for row in rows
            if all(values.part_of(row, field) == wanted for field, wanted in request["filter"].items())
        ]
        heads = tuple(column[0] for column in result["columns"])
        if request["out"].get("map") and "map" in result:
            self._write_map(result["map"], rows)
        return heads, [
            tuple(values.cell_of(row, column) for column in result["columns"]) for row in kept
        ]

    def _write_map(self, path, rows):
        """The map of owners, to be filled in; one that is there already may have been."""
        try:
            with open(path, "x", encoding="utf-8") as file:
                file.write(values.reassign_map(rows))
        except FileExistsError:
            raise exceptions.CommandError("The file %s exists. Rename or remove it." % path)
        self.app.stderr.write("The map to fill in is %s\n" % path)


class _Item(_Described, command.ShowOne):
    def take_action(self, parsed_args):
        """The fields of the one thing that the reply has."""
        request, reply = self.ask(parsed_args)
        result = self.description["result"]
        item = values.part_of(reply, result["at"])
        fields = "all" if request["out"].get("all") else result["fields"]
        columns = values.columns_of(item, fields)
        heads = [column[0] for column in columns]
        cells = [values.cell_of(item, column) for column in columns]
        for name, cell in values.spread_of(item, result.get("spread")):
            heads.append(name)
            cells.append(cell)
        for name in request["out"].get("sections", []):
            section = result.get("sections", {}).get(name)
            if section is None:
                known = ", ".join(result.get("sections", {}))
                raise exceptions.CommandError("There is no table %s. There are %s." % (name, known))
            heads.append(name)
            cells.append(values.records_of(item, section))
        return tuple(heads), tuple(cells)


class _Literal(_Described, command.ShowOne):
    def take_action(self, parsed_args):
        """The reply's fields; the older client prints them as a literal of Python."""
        _, reply = self.ask(parsed_args)
        fields = self.description["result"]["fields"]
        return tuple(fields), tuple(values.part_of(reply, field) for field in fields)


class _Silent(_Described, command.Command):
    def take_action(self, parsed_args):
        """Nothing is printed, or the line of the description."""
        request, reply = self.ask(parsed_args)
        request["reply"] = reply
        text = self.description["result"].get("text")
        if text is not None:
            line = re.sub(
                r"\{([\w.]+)\}", lambda match: str(values.part_of(request, match.group(1))), text
            )
            self.app.stdout.write(line + "\n")


_KINDS = {"list": _List, "item": _Item, "literal": _Literal, "nothing": _Silent, "line": _Silent}


def _keeping_lines(formatter):
    """The formatter of the help, which leaves the lines of the examples as they are."""

    class Formatter(formatter):
        def _fill_text(self, text, width, indent):
            return "".join(indent + line for line in text.splitlines(keepends=True))

    return Formatter


def _demand(parameters, given):
    """What argparse cannot know: one that stands alone takes the place of all others."""
    alone = next((each for each in given if each.get("alone")), None)
    if alone is not None:
        for other in given:
            if other is not alone:
                text = "argument %s: not allowed with argument %s" % (other["name"], alone["name"])
                raise exceptions.CommandError(text)
        return
    missing = [each["name"] for each in parameters if each.get("required") and each not in given]
    if missing:
        text = "the following arguments are required: %s" % ", ".join(missing)
        raise exceptions.CommandError(text)


def _add(parser, index, parameter, has_alone):
    """One argument; all have a destination of their own, since several may go to one place."""
    kind = parameter.get("value", "text")
    name = parameter["name"]
    options = {"help": parameter["help"].replace("%", "%%")}
    if kind == "flag":
        parser.add_argument(name, dest="cairn_%d" % index, action="store_true", **options)
        return
    options["metavar"] = "<%s>" % parameter.get("metavar", name.lstrip("-").replace("_", "-"))
    options["type"] = _TYPES.get(kind, str)
    if kind != "list" and parameter.get("choices"):
        options["choices"] = parameter["choices"]
    if name.startswith("-"):
        options["dest"] = "cairn_%d" % index
        options["required"] = parameter.get("required", False) and not has_alone
        options["default"] = parameter.get("otherwise")
        if parameter.get("repeated") or kind in ("list", "pairs", "tier"):
            options["action"] = "append"
        parser.add_argument(name, **options)
        return
    if parameter.get("repeated"):
        options["nargs"] = "*"
    parser.add_argument("cairn_%d" % index, **options)


def _find(client, kind, wanted):
    """The id of a thing by its id or name."""
    if _UUID.match(wanted):
        return wanted
    where = LISTS[kind]
    rows = _all(client, where["path"], {}, where["at"])
    found = [row["id"] for row in rows if wanted in (row["name"], row["id"])]
    if not found:
        raise exceptions.CommandError("No %s with a name or ID of '%s' exists." % (kind, wanted))
    if len(found) > 1:
        raise exceptions.CommandError(
            "%d %ss are called '%s'. Use one of the ids %s."
            % (len(found), kind, wanted, ", ".join(found[:10]))
        )
    return found[0]


def _all(client, path, query, at, marker="id"):
    """All rows of a list, page by page."""
    rows = []
    for _ in range(_PAGES_MAX):
        page = dict(query, limit=_PAGE_ROWS)
        if rows:
            page["marker"] = rows[-1][marker]
        reply = _call(client, "GET", path, page, None)
        rows.extend(values.part_of(reply, at))
        if len(values.part_of(reply, at)) < _PAGE_ROWS:
            break
    return rows


def _path(paths, params):
    """The first spelling of a route whose parameters are all there."""
    for path in paths:
        names = re.findall(r"\{(\w+)\}", path)
        if all(name in params for name in names):
            return path.format(**{name: quote(str(params[name]), safe="") for name in names})
    raise AssertionError("missing parameters for %s" % paths[0])


def _call(client, method, path, query, body):
    """One call of the API; a refusal says what is wrong, and what to do about it."""
    params = {
        name: str(value).lower() if isinstance(value, bool) else value
        for name, value in query.items()
    }
    options = {} if body is None else {"json": body}
    response = client.request(path, method, params=params, raise_exc=False, **options)
    if response.status_code < 400:
        return response.json() if response.content else None
    try:
        detail = next(iter(response.json().values()))
        said = detail["message"] if detail["message"][-1:] in ".!?" else detail["message"] + "."
        text = " ".join(each for each in (said, detail.get("remedy")) if each)
    except (ValueError, KeyError, TypeError, AttributeError, StopIteration):
        text = "%s %s was answered with HTTP %d" % (method, path, response.status_code)
    raise exceptions.CommandError(text)


def _class_of(description):
    kind = _KINDS[description["result"]["kind"]]
    name = class_name(description["name"])
    members = {"description": description, "__doc__": description["summary"], "__module__": __name__}
    return type(name, (kind,), members)


for _each in COMMANDS:
    globals()[class_name(_each["name"])] = _class_of(_each)
