import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { promisify } from "node:util";
import { describeFault, Fault, Secret } from "@cairn/kernel";
import { type MailServer, sendMail } from "./mail.ts";
import { startTestMailServer, type TestMailServer } from "./testing/mail-server.ts";

const PASSWORD = "hunter2-of-the-mail-server";
const run = promisify(execFile);

let folder: string;
let tls: { key: string; cert: string };

before(async () => {
  folder = await mkdtemp(join(tmpdir(), "cairn-mail-"));
  const [key, cert] = [join(folder, "key.pem"), join(folder, "cert.pem")];
  const words = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2".split(" ");
  const name = ["-subj", "/CN=mail.example.org", "-addext", "subjectAltName=DNS:mail.example.org"];
  await run("openssl", [...words, ...name, "-keyout", key, "-out", cert]);
  tls = { key: await readFile(key, "utf8"), cert: await readFile(cert, "utf8") };
});

after(async () => rm(folder, { recursive: true, force: true }));

const mail = {
  from: "backup@example.org",
  to: ["anna@example.org", "bert@example.org"],
  subject: "Snapshot successful: nächtlich of workload web",
  text: "A snapshot was taken.\n.\nend\n",
  html: "<p>A snapshot was taken.</p>",
  messageId: "<1@example.org>",
};

function serverAt(server: TestMailServer, more: Partial<MailServer> = {}): MailServer {
  return {
    receiver: { host: "mail.example.org", address: "127.0.0.1" },
    port: server.port,
    security: "auto",
    login: undefined,
    timeoutMs: 5_000,
    authorities: tls.cert,
    ...more,
  };
}

const login = { username: "cairn", password: new Secret(PASSWORD) };
const never = new AbortController().signal;

async function faultOf(work: Promise<void>): Promise<Fault> {
  const fault = await work.then(
    () => undefined,
    (cause: unknown) => cause,
  );
  assert.ok(fault instanceof Fault, `a Fault: ${String(fault)}`);
  assert.ok(!describeFault(fault).includes(PASSWORD), "the password is not told");
  return fault;
}

test("a mail has both its forms, all its recipients and a subject in any script", async () => {
  await using server = await startTestMailServer();
  await sendMail(serverAt(server), mail, never);
  const [taken] = server.mails;
  assert.deepEqual([taken?.from, taken?.to], [mail.from, mail.to]);
  assert.match(taken?.data ?? "", /^Message-ID: <1@example\.org>$/m);
  assert.match(taken?.data ?? "", /^Auto-Submitted: auto-generated$/m);
  assert.match(taken?.data ?? "", /^Subject: =\?UTF-8\?/m);
  assert.match(taken?.data ?? "", /Content-Type: text\/plain; charset=utf-8/);
  assert.match(taken?.data ?? "", /<p>A snapshot was taken\.<\/p>/);
});

test("a server that has STARTTLS gets mail and password by TLS alone", async () => {
  await using server = await startTestMailServer({ tls });
  await sendMail(serverAt(server, { login }), mail, never);
  assert.deepEqual(
    server.mails.map(({ isSecure, login: said }) => [isSecure, said]),
    [[true, `cairn:${PASSWORD}`]],
  );
});

test("TLS from the first byte works, too", async () => {
  await using server = await startTestMailServer({ tls: { ...tls, implicit: true } });
  await sendMail(serverAt(server, { login, security: "tls" }), mail, never);
  assert.equal(server.mails[0]?.isSecure, true);
});

test("no password goes to a server without TLS, unless the settings say so", async () => {
  await using server = await startTestMailServer();
  const fault = await faultOf(sendMail(serverAt(server, { login }), mail, never));
  assert.equal(fault.retry, "later");
  assert.equal(server.mails.length, 0);
  await sendMail(serverAt(server, { login, security: "none" }), mail, never);
  assert.equal(server.mails[0]?.login, `cairn:${PASSWORD}`);
});

const STRANGERS = [
  { what: "of an unknown authority", authorities: undefined, host: "mail.example.org" },
  { what: "of another name", authorities: "own", host: "other.example.org" },
];
for (const { what, authorities, host } of STRANGERS) {
  test(`a certificate ${what} is not taken, and the mail is not sent`, async () => {
    await using server = await startTestMailServer({ tls });
    const to = {
      receiver: { host, address: "127.0.0.1" },
      authorities: authorities === undefined ? undefined : tls.cert,
    };
    const fault = await faultOf(sendMail(serverAt(server, to), mail, never));
    assert.match(describeFault(fault), /certificate|altnames/i);
    assert.equal(server.mails.length, 0);
  });
}

const REFUSALS = [
  { command: "RCPT", answer: "550 no such user", retry: "never" },
  { command: "RCPT", answer: "450 greylisted", retry: "later" },
  { command: "MAIL", answer: "550 not from you", retry: "never" },
  { command: "DATA", answer: "554 spam", retry: "never" },
  { command: "AUTH", answer: `535 ${PASSWORD} is wrong`, retry: "later" },
  { command: "EHLO", answer: "421 come back", retry: "later" },
] as const;
for (const { command, answer, retry } of REFUSALS) {
  test(`a server that answers ${command} with ${answer.slice(0, 3)} is asked again ${retry}`, async () => {
    const answers = { [command]: answer, HELO: answer };
    await using server = await startTestMailServer({ tls, answers });
    const fault = await faultOf(sendMail(serverAt(server, { login }), mail, never));
    assert.equal(fault.retry, retry, describeFault(fault));
  });
}

test("a mail that one of its recipients cannot get is not reported as sent to all", async () => {
  await using server = await startTestMailServer();
  server.options = { answers: { RCPT: "550 no such user" } };
  assert.equal((await faultOf(sendMail(serverAt(server), mail, never))).code, "mail-refused");
});

test("a server that says nothing is left after its time", async () => {
  await using server = await startTestMailServer({ isSilent: true });
  const fault = await faultOf(sendMail(serverAt(server, { timeoutMs: 200 }), mail, never));
  assert.equal(fault.code, "mail-unavailable");
});

test("an attempt ends with its signal, however long the server may take", async () => {
  await using server = await startTestMailServer({ isSilent: true });
  const fault = await faultOf(sendMail(serverAt(server), mail, AbortSignal.timeout(200)));
  assert.match(describeFault(fault), /timeout/i);
});

test("a server that is not there may be there later", async () => {
  const server = await startTestMailServer();
  await server[Symbol.asyncDispose]();
  const fault = await faultOf(sendMail(serverAt(server), mail, never));
  assert.match(describeFault(fault), /ECONNREFUSED/);
  assert.equal(fault.retry, "later");
});
