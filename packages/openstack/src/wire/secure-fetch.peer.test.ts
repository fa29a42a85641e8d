import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { after, test } from "node:test";
import { type CloudOptions, connectCloud } from "../cloud.ts";
import { startRecordedCloud, tokenDocument } from "./recorded-cloud.ts";
import { secureFetch } from "./secure-fetch.ts";

const folder = mkdtempSync(join(tmpdir(), "cairn-tls-"));
after(() => {
  rmSync(folder, { recursive: true, force: true });
});
const [key, certificate] = [join(folder, "key.pem"), join(folder, "cert.pem")];
const subject = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"];
const kind = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-days", "2", "-nodes"];
execFileSync("openssl", ["req", "-x509", ...kind, "-keyout", key, "-out", certificate, ...subject], {
  stdio: "ignore",
});
const authorities = readFileSync(certificate, "utf8");

/** Keystone and Glance with a certificate that only we signed. */
async function startSecureCloud() {
  const seen: string[] = [];
  const server = createServer({ key: readFileSync(key), cert: authorities }, (request, response) => {
    void text(request).then((body) => {
      seen.push(`${request.method ?? ""} ${request.url ?? ""} ${body.slice(0, 20)}`);
      const url = `https://localhost:${(server.address() as AddressInfo).port}`;
      if (request.url === "/v3/auth/tokens") {
        response.writeHead(201, { "x-subject-token": "planted" });
        response.end(JSON.stringify(tokenDocument(url)));
      } else if (request.method === "PUT") response.writeHead(204).end();
      else if (request.url === "/image/v2/images/i1/file") response.end("the bytes");
      else response.writeHead(404, { "x-openstack-request-id": "req-theirs" }).end("{}");
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const authUrl = `https://localhost:${(server.address() as AddressInfo).port}/v3`;
  const stop = async (): Promise<void> => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  };
  return { seen, authUrl, [Symbol.asyncDispose]: stop };
}

async function optionsFor(authUrl: string): Promise<CloudOptions> {
  await using recorded = await startRecordedCloud({});
  return recorded.options({ authUrl });
}

void test("a cloud whose authority we were told of is trusted, uploads and downloads included", async () => {
  await using secure = await startSecureCloud();
  const cloud = connectCloud({ ...(await optionsFor(secure.authUrl)), tls: { authorities } });
  const { images } = cloud.glance;
  assert.equal(await images.find("absent"), undefined);
  await images.upload("i1", pieces("one ", "two"));
  assert.equal(secure.seen.at(-1), "PUT /image/v2/images/i1/file one two");
  assert.equal(await text(images.download("i1")), "the bytes");
});

void test("a cloud with an unknown certificate is untrusted, unless we are told not to look", async () => {
  await using secure = await startSecureCloud();
  const options = await optionsFor(secure.authUrl);
  await assert.rejects(connectCloud(options).token(), {
    code: "openstack-untrusted",
    retry: "after-operator",
  });
  await assert.rejects(connectCloud({ ...options, tls: {} }).token(), { code: "openstack-untrusted" });
  assert.equal(secure.seen.length, 0);
  const careless = connectCloud({ ...options, tls: { isInsecure: true } });
  assert.equal((await careless.token()).user.name, "demo");
});

void test("a request that is given up or finds nobody ends as with fetch, which does http", async () => {
  const plain = async (): Promise<Response> => Promise.resolve(new Response("plain"));
  const fetchSecurely = secureFetch({ isInsecure: true }, plain);
  assert.equal(await (await fetchSecurely("http://127.0.0.1:1/")).text(), "plain");
  await assert.rejects(fetchSecurely("https://127.0.0.1:1/"), { code: "ECONNREFUSED" });
  await assert.rejects(fetchSecurely("https://127.0.0.1:1/", { signal: AbortSignal.abort() }), {
    name: "AbortError",
  });
});

async function* pieces(...texts: string[]): AsyncGenerator<Uint8Array> {
  for (const each of texts) yield Buffer.from(each);
}
