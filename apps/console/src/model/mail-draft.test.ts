import assert from "node:assert/strict";
import { test } from "node:test";
import { hasPassword, mailChange, mailDraftOf } from "./mail-draft.ts";

const setting = (name: string, value: string, isPublic = true) => ({
  id: name,
  name,
  value,
  category: "",
  type: "",
  description: "",
  is_public: isPublic,
  public: isPublic,
  is_hidden: false,
  hidden: false,
  metadata: [],
  status: "available" as const,
  project_id: "p",
  user_id: "u",
  version: "1",
  created_at: "",
  updated_at: null,
  deleted_at: null,
  deleted: false,
});

void test("only what all projects share is shown, with the service's usual values for the rest", () => {
  const settings = [
    setting("smtp_server_name", "mail.example.org"),
    setting("smtp_server_name", "own.example.org", false),
    setting("smtp_server_password", "******"),
    setting("smtp_email_enable", "True"),
  ];
  const draft = mailDraftOf(settings);
  assert.deepEqual(
    [draft.server, draft.port, draft.security, draft.password, draft.isOn],
    ["mail.example.org", "25", "auto", "", true],
  );
  assert.equal(hasPassword(settings), true);
  assert.equal(hasPassword([setting("smtp_server_password", "******", false)]), false);
});

void test("a password that was not typed stays; a field that was emptied is forgotten", () => {
  const before = { ...mailDraftOf([]), server: "mail.example.org", user: "robot" };
  const { set, forget } = mailChange(before, { ...before, user: "", recipient: " ops@example.org " });
  assert.deepEqual(forget, ["smtp_server_username"]);
  const values = new Map(set.map(({ name, value }) => [name, value]));
  assert.equal(values.get("smtp_default_recipient"), "ops@example.org");
  assert.equal(values.has("smtp_server_password"), false);
  assert.equal(values.get("smtp_email_enable"), "0");
  const typed = mailChange(before, { ...before, password: "x y" });
  assert.ok(typed.set.some(({ name, value }) => name === "smtp_server_password" && value === "x y"));
});
