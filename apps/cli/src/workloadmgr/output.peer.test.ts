import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";
import { parseJsonOrPython } from "../python-literal.ts";
import { type Print, printedItem, printedList } from "./output.ts";
import { pythonLiteral } from "./python.ts";

const print: Print = {
  format: "table",
  columns: [],
  sortColumns: [],
  descending: false,
  noIndent: false,
  printEmpty: false,
  width: undefined,
  sparesIds: false,
  quote: "nonnumeric",
  prefix: "",
};
const rows = {
  heads: ["ID", "Name", "Size"],
  rows: [
    ["a", 'say "hi"', 2],
    ["b", null, 10],
  ],
};

const LISTS: readonly (readonly [what: string, choice: Partial<Print>, text: string])[] = [
  [
    "table",
    {},
    "+----+----------+------+\n| ID | Name     | Size |\n+----+----------+------+\n" +
      '| a  | say "hi" |    2 |\n| b  | None     |   10 |\n+----+----------+------+\n',
  ],
  ["csv", { format: "csv" }, '"ID","Name","Size"\n"a","say ""hi""",2\n"b","",10\n'],
  ["csv with few quotes", { format: "csv", quote: "minimal" }, 'ID,Name,Size\na,"say ""hi""",2\nb,,10\n'],
  ["value", { format: "value", columns: ["Size", "ID"] }, "a 2\nb 10\n"],
  [
    "json",
    { format: "json", noIndent: true, columns: ["Name"] },
    '[{"Name": "say \\"hi\\""}, {"Name": null}]\n',
  ],
  ["yaml", { format: "yaml", columns: ["ID", "Size"] }, "- ID: a\n  Size: 2\n- ID: b\n  Size: 10\n"],
  ["sorted", { format: "value", columns: ["ID"], sortColumns: ["Size"], descending: true }, "b\na\n"],
];

for (const [what, choice, text] of LISTS) {
  void test(`a list is printed as ${what} as cliff prints it`, async () => {
    assert.equal(await printedList(rows, { ...print, ...choice }), text);
  });
}

void test("a list without rows is an empty line, or with --print-empty the heads", async () => {
  const none = { ...rows, rows: [] };
  assert.equal(await printedList(none, print), "\n");
  assert.match(
    await printedList(none, { ...print, printEmpty: true }),
    /^\+.*\n\| ID \| Name \| Size \|\n\+/,
  );
});

void test("a column of another case is refused in cliff's words", async () => {
  await assert.rejects(
    printedList(rows, { ...print, columns: ["id"] }),
    /^Rejection: No recognized column names in \['id'\]\. Recognized columns are \['ID', 'Name', 'Size'\]\.$/,
  );
});

void test("a table fits 80 columns: cells go on below, ids stay whole unless told", async () => {
  const id = "11111111-1111-4111-8111-111111111111";
  const wide = { heads: ["ID", "Text", "More"], rows: [[id, "word ".repeat(20).trim(), "x".repeat(60)]] };
  const text = await printedList(wide, { ...print, width: 80, sparesIds: true });
  assert.ok(text.split("\n").every((line) => line.length <= 80));
  assert.ok(text.includes(id));
  const narrow = await printedList(wide, { ...print, width: 60 });
  assert.ok(narrow.split("\n").every((line) => line.length <= 60));
});

void test("one thing is a table of fields, or variables of a shell", async () => {
  const one = { heads: ["id", "instances"], rows: [["w1", [{ id: "i1", boot: true, key: null }]]] };
  assert.match(
    await printedItem(one, print),
    /\| Field +\| Value +\|\n.*\n\| id +\| w1 +\|\n\| instances +\| \[\{'id'/,
  );
  assert.equal(
    await printedItem(one, { ...print, format: "shell", prefix: "w_", columns: ["id"] }),
    'w_id="w1"\n',
  );
});

const VALUES: readonly unknown[] = [
  [{ id: "i1", name: "it's", metadata: { a: null, b: [true, false, 1.5] } }],
  "both ' and \"",
  "line\nend \\ tab\t \u0001 \u200b é 网 ☃ 🙂",
  {},
  [],
  -7,
];

void test("Python evaluates what is printed as its literals to the same values", () => {
  const program =
    "import ast, json, sys\nprint(json.dumps([ast.literal_eval(x) for x in json.load(sys.stdin)]))";
  const { stdout, stderr } = spawnSync("python3", ["-c", program], {
    input: JSON.stringify(VALUES.map(pythonLiteral)),
    encoding: "utf8",
    timeout: 30_000,
  });
  assert.deepEqual(JSON.parse(stdout), VALUES, stderr);
});

void test("what is printed as a literal is read back by our own reader, too", () => {
  for (const value of VALUES) assert.deepEqual(parseJsonOrPython(pythonLiteral(value), "x"), value);
});
