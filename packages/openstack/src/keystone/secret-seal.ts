import { createCipheriv, createDecipheriv, randomBytes, scryptSync } from "node:crypto";
import { asError, Fault, Secret } from "@cairn/kernel";

/**
 * Closes and opens secrets of application credentials, settings and webhooks, so that a database may keep
 * them: as with a trust, what it holds is worthless without the service user's password.
 */
export interface SecretSeal {
  /** `about` (the credential's id) must be the same when it is opened. */
  close(secret: Secret, about: string): string;
  /** Fault `credential-unreadable` when it was closed with another password, or about something else. */
  open(sealed: string, about: string): Secret;
}

const FORM = "1";
const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/** A seal whose key is made of the service user's password: about 50 ms of work, once a program. */
export function secretSeal(password: Secret): SecretSeal {
  const key = scryptSync(password.reveal(), "cairn application credentials 1", 32);
  return {
    close: (secret, about) => {
      const nonce = randomBytes(NONCE_BYTES);
      const cipher = createCipheriv("aes-256-gcm", key, nonce).setAAD(Buffer.from(about));
      const body = Buffer.concat([cipher.update(secret.reveal(), "utf8"), cipher.final()]);
      return `${FORM}:${Buffer.concat([nonce, body, cipher.getAuthTag()]).toString("base64url")}`;
    },
    open: (sealed, about) => {
      const [form, text = ""] = sealed.split(":", 2);
      const bytes = Buffer.from(text, "base64url");
      if (form !== FORM || bytes.length < NONCE_BYTES + TAG_BYTES) throw unreadable(about);
      const end = bytes.length - TAG_BYTES;
      const opener = createDecipheriv("aes-256-gcm", key, bytes.subarray(0, NONCE_BYTES))
        .setAAD(Buffer.from(about))
        .setAuthTag(bytes.subarray(end));
      try {
        const opened = Buffer.concat([opener.update(bytes.subarray(NONCE_BYTES, end)), opener.final()]);
        return new Secret(opened.toString("utf8"));
      } catch (cause) {
        throw unreadable(about, asError(cause));
      }
    },
  };
}

function unreadable(about: string, cause?: Error): Fault {
  const doing = `opening the secret of ${about}, which another service password closed`;
  return new Fault("credential-unreadable", doing, "after-operator", cause);
}
