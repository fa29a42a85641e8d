import assert from "node:assert/strict";
import { test } from "node:test";
import { asId, type Clock, Fault, Rejection, Secret } from "@cairn/kernel";
import type { Token } from "@cairn/openstack";
import { TokenValidator } from "./authentication.ts";

/** A Keystone that knows some tokens and counts what it is asked, and a clock that stands still. */
function stage() {
  const known = new Map<string, Token>();
  const asked: string[] = [];
  let nowMs = 1_000_000;
  let isAway = false;
  const clock: Clock = { now: () => nowMs, sleep: () => Promise.resolve() };
  const validate = async (subject: Secret): Promise<Token | undefined> => {
    asked.push(subject.reveal());
    if (isAway) throw new Fault("openstack-unavailable", "asking", "later");
    return known.get(subject.reveal());
  };
  const validator = new TokenValidator(
    { keystone: { tokens: { validate } } } as unknown as ConstructorParameters<typeof TokenValidator>[0],
    clock,
  );
  return {
    validator,
    known,
    asked,
    pass: (ms: number) => {
      nowMs += ms;
    },
    setAway: (away: boolean) => {
      isAway = away;
    },
    now: () => nowMs,
  };
}

function token(expiresAt: number): Token {
  return {
    value: new Secret("t"),
    user: { id: asId("u"), name: "anna", domainId: "default" },
    project: { id: asId("p"), name: "p", domainId: "default" },
    roles: [{ id: "1", name: "member" }],
    issuedAt: 0,
    expiresAt,
    trust: undefined,
    applicationCredentialId: undefined,
    catalogue: [],
  };
}

const isUnauthorised = (error: unknown): boolean => error instanceof Rejection && error.status === 401;

void test("a good token is asked about once in a while, not at each request", async () => {
  const { validator, known, asked, now } = stage();
  known.set("t", token(now() + 3_600_000));
  for (let request = 0; request < 5; request += 1) {
    assert.equal((await validator.bearerOf("t")).userId, "u");
  }
  assert.equal(asked.length, 1);
});

void test("a revoked token stops working within a minute", async () => {
  const { validator, known, pass, now } = stage();
  known.set("t", token(now() + 3_600_000));
  await validator.bearerOf("t");
  known.delete("t");
  pass(60_000);
  await assert.rejects(validator.bearerOf("t"), isUnauthorised);
});

void test("an expired token does not work, whatever is remembered of it", async () => {
  const { validator, known, pass, now } = stage();
  known.set("t", token(now() + 10_000));
  await validator.bearerOf("t");
  pass(10_000);
  await assert.rejects(validator.bearerOf("t"), isUnauthorised);
});

void test("a bad token is asked about once in some seconds, and works soon after it is good", async () => {
  const { validator, known, asked, pass, now } = stage();
  await assert.rejects(validator.bearerOf("t"), isUnauthorised);
  await assert.rejects(validator.bearerOf("t"), isUnauthorised);
  assert.equal(asked.length, 1);
  known.set("t", token(now() + 3_600_000));
  pass(5_000);
  assert.equal((await validator.bearerOf("t")).userName, "anna");
});

void test("simultaneous requests share one question", async () => {
  const { validator, known, asked, now } = stage();
  known.set("t", token(now() + 3_600_000));
  await Promise.all([validator.bearerOf("t"), validator.bearerOf("t"), validator.bearerOf("t")]);
  assert.equal(asked.length, 1);
});

void test("Keystone's silence is not remembered as an answer", async () => {
  const { validator, known, setAway, now } = stage();
  known.set("t", token(now() + 3_600_000));
  setAway(true);
  await assert.rejects(validator.bearerOf("t"), (error: unknown) => error instanceof Fault);
  setAway(false);
  assert.equal((await validator.bearerOf("t")).userId, "u");
});

void test("no token, an empty one, and one without a project are refused", async () => {
  const { validator, known, now } = stage();
  await assert.rejects(validator.bearerOf(undefined), isUnauthorised);
  await assert.rejects(validator.bearerOf(""), isUnauthorised);
  known.set("unscoped", { ...token(now() + 1_000), project: undefined });
  await assert.rejects(
    validator.bearerOf("unscoped"),
    (error: unknown) => error instanceof Rejection && error.status === 403,
  );
});
