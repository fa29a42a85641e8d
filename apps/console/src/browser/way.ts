import { csrfToken, type Embedding } from "../model/embedding.ts";

/** How requests reach the API. */
export interface Way {
  /** The address that `v1/…` and `console/session` count from. */
  readonly root: string;
  /** What each request carries beside its own. */
  readonly headers: () => Readonly<Record<string, string>>;
}

/** What this page sends and no other site's can; the session's cookie counts only with it. */
const OWN = { "x-cairn-console": "1" } as const;

/** From a page that the API server itself serves, in a folder of its own. */
export function wayOfOwnPage(): Way {
  return { root: new URL("..", document.baseURI).href, headers: () => OWN };
}

/** A session of Horizon's lasts from the last thing that somebody did; once in this long is told. */
const TOUCH_MS = 300_000;

/** Through Horizon, which has the token and its own protection against forgery. */
export function wayThrough(embedding: Embedding, now: () => number): Way {
  let isTouched = false;
  let toldMs = now();
  for (const kind of ["pointerdown", "keydown"]) addEventListener(kind, () => (isTouched = true));
  return {
    root: new URL(embedding.api, location.origin).href,
    headers: () => {
      const isTold = isTouched && now() - toldMs >= TOUCH_MS;
      if (isTold) [isTouched, toldMs] = [false, now()];
      return {
        "x-requested-with": "XMLHttpRequest",
        "x-csrftoken": csrfToken(embedding, document.cookie),
        ...(isTold ? { "x-cairn-touch": "1" } : {}),
      };
    },
  };
}
