import { createHash } from "node:crypto";
import { type Clock, type ProjectId, Rejection, Secret, type UserId } from "@cairn/kernel";
import type { Cloud, Token } from "@cairn/openstack";

/** What a token says of its bearer; none of it is a secret. */
export interface Bearer {
  readonly userId: UserId;
  readonly userName: string;
  readonly projectId: ProjectId;
  readonly projectName: string;
  readonly roles: readonly string[];
}

/** What a token says of its bearer; undefined when it is for no project. */
export function asBearer({ user, project, roles }: Token): Bearer | undefined {
  if (project === undefined) return undefined;
  return {
    userId: user.id,
    userName: user.name,
    projectId: project.id,
    projectName: project.name,
    roles: roles.map((role) => role.name),
  };
}

/** A validation may be served from memory this long: a revoked token works for less than a minute more. */
const GOOD_FOR_MS = 50_000;
/**
 * A bad token is asked about again after this long, so that a flood of one bad token does not reach Keystone.
 */
const BAD_FOR_MS = 5_000;
const ENTRIES_MAX = 10_000;

interface Entry {
  readonly verdict: Promise<Token | undefined>;
  untilMs: number;
}

/**
 * Validates tokens against Keystone with the service user's own token, and remembers the answers by their
 * hash.
 */
export class TokenValidator {
  readonly #admin: Pick<Cloud, "keystone">;
  readonly #clock: Clock;
  readonly #entries = new Map<string, Entry>();

  constructor(admin: Pick<Cloud, "keystone">, clock: Clock) {
    this.#admin = admin;
    this.#clock = clock;
  }

  /**
   * Who bears this token. Throws a `Rejection` 401 when there is none or Keystone does not know it (any
   * more).
   */
  async bearerOf(text: string | undefined): Promise<Bearer> {
    if (text === undefined || text === "") throw unauthorised("The request has no token.");
    const token = await this.#validate(text);
    if (token === undefined || token.expiresAt <= this.#clock.now()) {
      throw unauthorised("The token is not valid, has expired or was revoked.");
    }
    const bearer = asBearer(token);
    if (bearer === undefined) {
      throw new Rejection("The token is not for a project.", {
        status: 403,
        remedy: "Ask Keystone for a token that is scoped to the project.",
      });
    }
    return bearer;
  }

  /** Simultaneous requests with one token share one question to Keystone. */
  async #validate(text: string): Promise<Token | undefined> {
    const key = createHash("sha256").update(text).digest("hex");
    const known = this.#entries.get(key);
    if (known !== undefined && known.untilMs > this.#clock.now()) return known.verdict;
    const entry: Entry = {
      verdict: this.#admin.keystone.tokens.validate(new Secret(text)),
      untilMs: this.#clock.now() + GOOD_FOR_MS,
    };
    this.#remember(key, entry);
    try {
      const token = await entry.verdict;
      if (token === undefined) entry.untilMs = Math.min(entry.untilMs, this.#clock.now() + BAD_FOR_MS);
      return token;
    } catch (cause) {
      // Keystone's silence is not an answer about the token: forget it, so that the next request asks again.
      if (this.#entries.get(key) === entry) this.#entries.delete(key);
      throw cause;
    }
  }

  #remember(key: string, entry: Entry): void {
    this.#entries.delete(key);
    this.#entries.set(key, entry);
    if (this.#entries.size <= ENTRIES_MAX) return;
    const oldest = this.#entries.keys().next();
    if (oldest.done !== true) this.#entries.delete(oldest.value);
  }
}

function unauthorised(message: string): Rejection {
  return new Rejection(message, { status: 401, remedy: "Send a token of Keystone in X-Auth-Token." });
}
