/** What a page that shows the console inside of itself (Horizon's) tells it. */
export interface Embedding {
  /** Whose pages are shown: of Horizon's part Project, or Admin. */
  readonly room: "project" | "admin";
  /** The path below which the API answers; ends with a slash. */
  readonly api: string;
  /** The path of the page where one signs in. */
  readonly login: string;
  /** The cookie with the token that a change must bring along, and the token where scripts cannot read it. */
  readonly csrf: { readonly cookie: string; readonly token: string };
  /** Django's name of a language, such as `pt-br`. */
  readonly language: string;
  /** Such as `Europe/Berlin`; undefined: the browser's. */
  readonly zone: string | undefined;
}

/** The text that the plugin puts into the page (`surroundings_of` in clients/horizon). Throws on another. */
export function parseEmbedding(text: string): Embedding {
  const { room, api, login, csrf, language, zone } = fieldsOf(JSON.parse(text));
  const { cookie, token } = fieldsOf(csrf);
  return {
    room: room === "admin" ? "admin" : "project",
    api: textOf(api),
    login: textOf(login),
    csrf: { cookie: textOf(cookie), token: textOf(token) },
    language: textOf(language),
    zone: typeof zone === "string" && isZone(zone) ? zone : undefined,
  };
}

/** Where one begins whose address names no page. */
export function startOf({ room }: Embedding): string {
  return room === "admin" ? "#!/operator" : "#!/";
}

/** The token that a change must bring along: the cookie's, as another window may have got a newer one. */
export function csrfToken({ csrf }: Embedding, cookies: string): string {
  const pairs = cookies.split(";").map((pair) => pair.trim());
  const kept = pairs.find((pair) => pair.startsWith(`${csrf.cookie}=`))?.slice(csrf.cookie.length + 1);
  return kept === undefined || kept === "" ? csrf.token : decodeURIComponent(kept);
}

/** Where one signs in and comes back to a path from. */
export function loginAddress({ login }: Embedding, path: string): string {
  return `${login}?next=${encodeURIComponent(path)}`;
}

/** Whether a colour as browsers tell it (`rgb(…)`, `rgba(…)`) is a dark ground; a missing one is light. */
export function isDarkGround(colour: string): boolean {
  const [red = 255, green = 255, blue = 255, alpha = 1] = (colour.match(/[\d.]+/g) ?? []).map(Number);
  // Relative brightness by ITU-R BT.709, without gamma: near enough to tell dark from light.
  return alpha > 0 && 0.2126 * red + 0.7152 * green + 0.0722 * blue < 128;
}

function isZone(name: string): boolean {
  try {
    return new Intl.DateTimeFormat("en", { timeZone: name }).resolvedOptions().timeZone !== "";
  } catch (cause) {
    if (cause instanceof RangeError) return false;
    throw cause;
  }
}

function fieldsOf(value: unknown): Readonly<Record<string, unknown>> {
  if (typeof value === "object" && value !== null) return value as Readonly<Record<string, unknown>>;
  throw new TypeError("what the page tells of its surroundings is no object");
}

function textOf(value: unknown): string {
  if (typeof value === "string") return value;
  throw new TypeError("a text is missing in what the page tells of its surroundings");
}
