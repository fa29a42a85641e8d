import assert from "node:assert/strict";
import { describe, it } from "node:test";
import * as fc from "fast-check";
import { asksForOwner, isAllowed, type PolicyQuestion, policyRules } from "./policy-rules.ts";

const DEFAULTS = {
  context_is_admin: "role:admin",
  admin_api: "is_admin:True",
  admin_or_owner: "is_admin:True or project_id:%(project_id)s",
  "workload:workload_create": "rule:admin_or_owner",
  "workload:workload_delete": "rule:admin_or_owner",
};

interface Who {
  readonly roles?: readonly string[];
  readonly userId?: string;
  readonly projectId?: string;
  readonly isAdmin?: boolean;
}

function question({ roles = [], userId = "anna", projectId = "p1", isAdmin = false }: Who): PolicyQuestion {
  return {
    credentials: { roles, userId, userName: `${userId}'s name`, projectId, isAdmin },
    target: { projectId: "p1", userId: "anna" },
  };
}

/** Whether an expression lets somebody do something. */
function lets(check: unknown, who: Who): boolean {
  const reading = policyRules(DEFAULTS, { "workload:workload_create": check, backup_api: "role:backup" });
  assert.ok(reading.kind === "rules", JSON.stringify(reading));
  return isAllowed(reading.rules, "workload:workload_create", question(who));
}

function problems(overrides: Readonly<Record<string, unknown>>): readonly string[] {
  const reading = policyRules(DEFAULTS, overrides);
  return reading.kind === "broken" ? reading.problems : [];
}

const member: Who = { roles: ["member"] };
const backup: Who = { roles: ["Backup"] };
const stranger: Who = { roles: ["member"], userId: "eve", projectId: "p2" };
const admin: Who = { roles: ["admin"], userId: "root", projectId: "p2", isAdmin: true };

const TABLE: readonly [unknown, readonly [Who, boolean][]][] = [
  [
    "",
    [
      [member, true],
      [stranger, true],
    ],
  ],
  [
    "@",
    [
      [member, true],
      [stranger, true],
    ],
  ],
  [
    "!",
    [
      [member, false],
      [admin, false],
    ],
  ],
  [
    "role:backup",
    [
      [member, false],
      [backup, true],
      [admin, false],
    ],
  ],
  [
    "rule:backup_api",
    [
      [member, false],
      [backup, true],
      [admin, false],
    ],
  ],
  [
    "rule:admin_api",
    [
      [member, false],
      [admin, true],
    ],
  ],
  [
    "project_id:%(project_id)s",
    [
      [member, true],
      [stranger, false],
      [admin, false],
    ],
  ],
  [
    "tenant_id:%(tenant_id)s",
    [
      [member, true],
      [stranger, false],
    ],
  ],
  [
    "user_id:%(user_id)s",
    [
      [member, true],
      [stranger, false],
    ],
  ],
  [
    "'eve':%(user_id)s or user_id:eve",
    [
      [member, false],
      [stranger, true],
    ],
  ],
  [
    "not role:member",
    [
      [member, false],
      [backup, true],
    ],
  ],
  [
    "not not role:member",
    [
      [member, true],
      [backup, false],
    ],
  ],
  [
    "role:member AND NOT project_id:p2",
    [
      [member, true],
      [stranger, false],
    ],
  ],
  [
    "role:backup or role:member and project_id:p2",
    [
      [backup, true],
      [stranger, true],
      [member, false],
    ],
  ],
  [
    "(role:backup or role:member) and project_id:p2",
    [
      [backup, false],
      [stranger, true],
      [member, false],
    ],
  ],
  [
    "((role:backup))",
    [
      [backup, true],
      [member, false],
    ],
  ],
  [
    "(project_id:%(project_id)s)and(role:member)",
    [
      [member, true],
      [stranger, false],
    ],
  ],
  [
    "roles:member",
    [
      [member, true],
      [backup, false],
    ],
  ],
  [
    'user_name:"anna\'s name"',
    [
      [member, true],
      [stranger, false],
    ],
  ],
  [
    "is_admin:False",
    [
      [member, true],
      [admin, false],
    ],
  ],
  ["True:True", [[stranger, true]]],
  [
    "system_scope:all or role:backup",
    [
      [backup, true],
      [admin, false],
    ],
  ],
  [
    "role:%(project_id)s",
    [
      [{ roles: ["P1"] }, true],
      [member, false],
    ],
  ],
  [
    [["role:backup"], ["role:member", "project_id:%(project_id)s"]],
    [
      [member, true],
      [backup, true],
      [stranger, false],
    ],
  ],
  [
    ["role:backup", "role:member"],
    [
      [member, true],
      [backup, true],
    ],
  ],
  [[], [[stranger, true]]],
  [[[]], [[member, false]]],
];

describe("rules in the language of oslo.policy", () => {
  for (const [check, answers] of TABLE) {
    it(`${JSON.stringify(check)} lets in whom it should`, () => {
      for (const [who, expected] of answers) assert.equal(lets(check, who), expected, JSON.stringify(who));
    });
  }

  const wrong: readonly [unknown, RegExp][] = [
    ["role:", /role:, and a condition has the form kind:value/],
    ["member", /has member, and a condition has the form/],
    [":x", /form kind:value/],
    ["role:a or", /ends where a condition should be/],
    ["or role:a", /has or where a condition should be/],
    ["role:a role:b", /has role:b where and, or or its end should be/],
    ["(role:a", /has a \( without its \)/],
    ["role:a)", /has \) where/],
    ["()", /has \) where a condition should be/],
    ["not", /ends where/],
    ["http://other/check", /other servers are not asked/],
    ["project:%(project_id)s", /asks for project, which tokens do not have here/],
    ["project_id:%(projekt_id)s", /there are only %\(project_id\)s/],
    ["rule:backup", /refers to rule:backup, which there is not/],
    [{ role: "x" }, /should be text such as/],
    [17, /should be text/],
    [[["role:a", 3]], /has 3 in its list/],
    [`${"(".repeat(60)}role:a${")".repeat(60)}`, /nested deeper/],
    ["role:a or ".repeat(2000), /longer than/],
  ];
  for (const [check, message] of wrong) {
    it(`${JSON.stringify(check).slice(0, 40)} is refused, and why is said`, () => {
      const [problem] = problems({ "workload:workload_create": check });
      assert.match(problem ?? "", /^The rule workload:workload_create /);
      assert.match(problem ?? "", message);
    });
  }

  it("names everything that is wrong with a file at once", () => {
    assert.equal(
      problems({ "workload:workload_create": "role:", "workload:workload_delete": "!!" }).length,
      2,
    );
  });

  it("refuses rules that refer to themselves, also around corners", () => {
    assert.match(problems({ a: "rule:b", b: "not rule:a" })[0] ?? "", /The rule a refers to itself/);
    assert.match(problems({ admin_api: "rule:admin_api" })[0] ?? "", /refers to itself/);
  });

  it("takes an action that is nearly a known one for a typing mistake, and only notes a foreign one", () => {
    assert.match(
      problems({ "workload:workload_creat": "role:x" })[0] ?? "",
      /no action workload:workload_creat: did you mean workload:workload_create/,
    );
    const reading = policyRules(DEFAULTS, { "workload:config_backup_list": "role:x" });
    assert.deepEqual(reading.kind === "rules" && reading.unknownActions, ["workload:config_backup_list"]);
  });

  it("asks whom a thing belongs to only when a rule wants to know", () => {
    const reading = policyRules(DEFAULTS, {
      owner: "user_id:%(user_id)s",
      "workload:workload_delete": "rule:admin_api or rule:owner",
    });
    assert.ok(reading.kind === "rules");
    assert.equal(asksForOwner(reading.rules, "workload:workload_delete"), true);
    assert.equal(asksForOwner(reading.rules, "workload:workload_create"), false);
  });

  it("changing a rule that others refer to changes them", () => {
    const reading = policyRules(DEFAULTS, { admin_or_owner: "role:backup" });
    assert.ok(reading.kind === "rules");
    assert.equal(isAllowed(reading.rules, "workload:workload_create", question(admin)), false);
    assert.equal(isAllowed(reading.rules, "workload:workload_create", question(backup)), true);
  });
});

/** An expression, and what it says of somebody with some of the roles a, b and c. */
interface Modelled {
  readonly text: string;
  readonly says: (roles: ReadonlySet<string>) => boolean;
}

const expressions: fc.Arbitrary<Modelled> = fc.letrec<{ tree: Modelled }>((tie) => ({
  tree: fc.oneof(
    { maxDepth: 5 },
    fc.constantFrom("a", "b", "c").map((role) => ({
      text: `role:${role}`,
      says: (roles: ReadonlySet<string>) => roles.has(role),
    })),
    fc.constantFrom<Modelled>({ text: "@", says: () => true }, { text: "!", says: () => false }),
    tie("tree").map(({ text, says }) => ({
      text: `not (${text})`,
      says: (roles: ReadonlySet<string>) => !says(roles),
    })),
    fc.tuple(tie("tree"), tie("tree")).map(([one, other]) => ({
      text: `(${one.text}) and (${other.text})`,
      says: (roles: ReadonlySet<string>) => one.says(roles) && other.says(roles),
    })),
    fc.tuple(tie("tree"), tie("tree")).map(([one, other]) => ({
      text: `(${one.text} or ${other.text})`,
      says: (roles: ReadonlySet<string>) => one.says(roles) || other.says(roles),
    })),
  ),
})).tree;

describe("any expression", () => {
  it("means what its parts mean", () => {
    fc.assert(
      fc.property(expressions, fc.subarray(["a", "b", "c"]), ({ text, says }, roles) => {
        assert.equal(lets(text, { roles }), says(new Set(roles)), text);
      }),
      { numRuns: 500 },
    );
  });

  it("is read or refused with a sentence, whatever it is", () => {
    const pieces = fc.constantFrom(
      "(",
      ")",
      "and",
      "or",
      "not",
      "role:a",
      "@",
      "!",
      ":",
      "'",
      '"',
      "%(x)s",
      "rule:r",
    );
    fc.assert(
      fc.property(fc.array(fc.oneof(pieces, fc.string()), { maxLength: 12 }), (parts) => {
        const reading = policyRules(DEFAULTS, { "workload:workload_create": parts.join(" ") });
        if (reading.kind === "broken") assert.match(reading.problems[0] ?? "", /^The rule .*\.$/s);
      }),
      { numRuns: 1000 },
    );
  });
});
