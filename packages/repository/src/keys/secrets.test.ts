import assert from "node:assert/strict";
import { createPrivateKey, generateKeyPairSync, randomBytes } from "node:crypto";
import { describe, it } from "node:test";
import {
  createEscrow,
  formatEscrow,
  formatKeyFile,
  parseEscrowPrivate,
  parseEscrowPublic,
  parseKeyFile,
} from "../index.ts";
import { costLog2, hex, keyFile, passphrase, rejection, withCode } from "../key-set-samples.ts";
import { AEAD_AES128, hpkeOpen, hpkeSeal, rawPublic, x25519Private } from "./hpke.ts";
import { costProblem, stretchPassphrase } from "./passphrase.ts";

describe("passphrases", () => {
  it("are stretched by scrypt, the same for every way to type a letter", async () => {
    const cost = { salt: Buffer.alloc(16, 1), costLog2: 10, blockSize: 8, parallel: 1 };
    const composed = await stretchPassphrase("caf\u00e9 au lait", cost);
    assert.deepEqual(await stretchPassphrase("cafe\u0301 au lait", cost), composed);
  });

  it("of a stranger's object cannot cost more than half a gigabyte or some seconds", () => {
    const salt = Buffer.alloc(16);
    const cases: [number, number, number, RegExp | undefined][] = [
      [17, 8, 1, undefined],
      [9, 8, 1, /cost/],
      [21, 8, 1, /cost/],
      [20, 8, 1, /memory/],
      [17, 33, 1, /block size/],
      [17, 8, 5, /parallelism/],
      [19, 8, 4, /too long|memory/],
      [10, 0, 1, /block size/],
    ];
    for (const [cost, blockSize, parallel, words] of cases) {
      const problem = costProblem({ salt, costLog2: cost, blockSize, parallel });
      if (words === undefined) assert.equal(problem, undefined);
      else assert.match(problem ?? "", words);
    }
  });
});

describe("escrow", () => {
  it("is the HPKE of RFC 9180: its vector A.1.1 seals and opens", () => {
    const info = hex("4f6465206f6e2061204772656369616e2055726e");
    const associated = Buffer.from("Count-0");
    const recipient = x25519Private(hex("4612c550263fc8ad58375df3f557aac531d26850903e55a9f23f21d8534e8ac8"));
    const ephemeral = hex("52c4a758a802cd8b936eceea314432798d5baf2d7e9235dc084ab1b9cfa2f736");
    const plaintext = Buffer.from("Beauty is truth, truth beauty");
    const message = { info, associated, aead: AEAD_AES128 };
    const sealed = hpkeSeal(rawPublic(recipient), ephemeral, plaintext, message);
    const encapsulated = "37fda3567bdbd628e88668c3c8d7e97d1d1253b6d4ea6d44c150f741f1bf4431";
    const ciphertext =
      "f938558b5d72f1a23810b4be2ab4f84331acc02fc97babc53a52ae8218a355a96d8770ac83d07bea87e13c512a";
    assert.equal(sealed.toString("hex"), encapsulated + ciphertext);
    assert.deepEqual(hpkeOpen(recipient, sealed, message), plaintext);
    assert.equal(hpkeOpen(recipient, sealed, { ...message, info: Buffer.alloc(1) }), undefined);
    assert.equal(hpkeOpen(recipient, Buffer.alloc(80), message), undefined, "a point of small order");
    assert.equal(hpkeOpen(recipient, Buffer.alloc(3), message), undefined);
  });

  it("keys come back from PEM, from PEM that OpenSSL protected, and from our protected file", async () => {
    const pair = createEscrow();
    const same = async (text: string, word?: string): Promise<void> => {
      const key = await parseEscrowPrivate("file", text, word);
      assert.ok(rawPublic(key).equals(pair.publicKey));
    };
    const pem = await formatEscrow(pair);
    await same(pem);
    assert.match(pem, /BEGIN PRIVATE KEY/);
    const cipher = { cipher: "aes-256-cbc", passphrase } as const;
    await same(
      createPrivateKey(pem)
        .export({ format: "pem", type: "pkcs8", ...cipher })
        .toString(),
      passphrase,
    );
    const json = await formatEscrow(pair, { passphrase, costLog2 });
    await same(json, passphrase);
    const wrong: [string, string | undefined, RegExp][] = [
      [json, undefined, /needs its passphrase/],
      [json, "another passphrase", /passphrase is wrong/],
      [json.replace('"costLog2": 10', '"costLog2": 40'), passphrase, /cost is 2\^40/],
      ["{}", passphrase, /is no cairn-escrow-key/],
      ["nonsense", undefined, /no private key in PEM/],
      ["x".repeat(20_000), undefined, /too long/],
      [ed25519(), undefined, /key of ed25519/],
    ];
    for (const [text, word, words] of wrong) {
      await assert.rejects(parseEscrowPrivate("file", text, word), withCode("escrow-key", words));
    }
  });

  function ed25519(): string {
    return generateKeyPairSync("ed25519").privateKey.export({ format: "pem", type: "pkcs8" }).toString();
  }

  it("public keys are taken as base64 or PEM; a private one is refused", async () => {
    const pair = createEscrow();
    assert.deepEqual(parseEscrowPublic(pair.publicKey.toString("base64")), pair.publicKey);
    const { publicKey } = generateKeyPairSync("x25519");
    const pem = publicKey.export({ format: "pem", type: "spki" }).toString();
    assert.equal(parseEscrowPublic(pem).length, 32);
    const bad: [string, RegExp][] = [
      ["YWJj", /base64 of 32 bytes/],
      [await formatEscrow(pair), /is a private one/],
      ["-----BEGIN PUBLIC KEY-----\nYWJj\n-----END PUBLIC KEY-----\n", /no public key in PEM/],
    ];
    for (const [text, words] of bad) assert.throws(() => parseEscrowPublic(text), rejection(words));
  });
});

describe("key files", () => {
  it("hold 32 bytes or their base64, and nothing else is taken for a key", () => {
    const text = formatKeyFile();
    assert.equal(parseKeyFile("file", Buffer.from(text)).toString("base64"), text.trim());
    assert.deepEqual(parseKeyFile("file", keyFile), keyFile);
    for (const bad of [
      "",
      "x",
      randomBytes(31).toString("base64"),
      `${"!".repeat(3)}${text}`,
      "A".repeat(300),
    ]) {
      assert.throws(() => parseKeyFile("file", Buffer.from(bad)), withCode("key-file", /32 random bytes/));
    }
  });
});
