/** One command of a block, as somebody types it, and what is printed. */
export interface GuideCommand {
  readonly kind: "command";
  /** `$` a member of the project, `#` an administrator. */
  readonly who: "member" | "administrator";
  /** What the shell gets: lines that a backslash continues are one. */
  readonly text: string;
  readonly wanted: string;
  readonly line: number;
}

/** One request, and what is answered. */
export interface GuideRequest {
  readonly kind: "request";
  readonly who: "member" | "administrator";
  readonly method: string;
  readonly path: string;
  readonly body: string;
  readonly status: number;
  readonly wanted: string;
  readonly line: number;
}

/** A file that later examples read. */
export interface GuideFile {
  readonly kind: "file";
  readonly name: string;
  readonly content: string;
  readonly line: number;
}

/** An example that is not run, and why. */
export interface GuideUnrun {
  readonly kind: "unrun";
  readonly why: string;
  readonly line: number;
}

export type GuideExample = GuideCommand | GuideRequest | GuideFile | GuideUnrun;

interface Block {
  readonly info: string;
  readonly lines: readonly string[];
  /** Of the first line in it, from 1 on. */
  readonly line: number;
  /** The line before it. */
  readonly before: string;
}

/**
 * The examples of a page, in their order. A fence is `console`, `http`, or has the name of a file that it is
 * (`json restore.json`); before any other, and before what cannot be run, stands `<!-- not run: why -->`.
 */
export function examplesOf(page: string): GuideExample[] {
  return blocksOf(page).flatMap((block): GuideExample[] => {
    const why = /^<!-- not run: (.+) -->$/.exec(block.before)?.[1];
    if (why !== undefined) return [{ kind: "unrun", why, line: block.line }];
    const [language = "", name] = block.info.split(" ");
    if (language === "console") return commandsOf(block);
    if (language === "http") return [requestOf(block)];
    if (name !== undefined) {
      return [{ kind: "file", name, content: `${block.lines.join("\n")}\n`, line: block.line }];
    }
    throw new Error(`line ${String(block.line)}: the block is neither run, nor says why not`);
  });
}

function blocksOf(page: string): Block[] {
  const lines = page.split("\n");
  const blocks: Block[] = [];
  for (let at = 0; at < lines.length; at += 1) {
    const info = /^```(.*)$/.exec(lines[at] ?? "")?.[1];
    if (info === undefined) continue;
    const end = lines.indexOf("```", at + 1);
    if (end === -1) throw new Error(`line ${String(at + 1)}: the block has no end`);
    blocks.push({ info, lines: lines.slice(at + 1, end), line: at + 2, before: lines[at - 1] ?? "" });
    at = end;
  }
  return blocks;
}

function commandsOf({ lines, line }: Block): GuideCommand[] {
  const commands: GuideCommand[] = [];
  let at = 0;
  while (at < lines.length) {
    const [prompt = "", first = ""] = /^([$#]) (.*)$/.exec(lines[at] ?? "")?.slice(1) ?? [];
    if (prompt === "") throw new Error(`line ${String(line + at)}: a command begins with $ or #`);
    const begins = at;
    const text = [first];
    while (text.at(-1)?.endsWith("\\") === true) text.push(lines[(at += 1)] ?? "");
    const wanted: string[] = [];
    while (at + 1 < lines.length && !/^[$#] /.test(lines[at + 1] ?? "")) wanted.push(lines[(at += 1)] ?? "");
    commands.push({
      kind: "command",
      who: prompt === "$" ? "member" : "administrator",
      text: text.join("\n"),
      wanted: wanted.join("\n"),
      line: line + begins,
    });
    at += 1;
  }
  return commands;
}

/** `METHOD path`, headers, a body after an empty line; `HTTP/1.1 status`, and a body after an empty line. */
function requestOf({ lines, line }: Block): GuideRequest {
  const [, method = "", path = ""] = /^([A-Z]+) (\/\S*) HTTP\/1\.1$/.exec(lines[0] ?? "") ?? [];
  const reply = lines.findIndex((each) => each.startsWith("HTTP/1.1 "));
  const status = Number(lines[reply]?.split(" ")[1]);
  if (method === "" || !(status > 0)) throw new Error(`line ${String(line)}: no request and reply`);
  const [headers, body] = partsOf(lines.slice(1, reply));
  const [, wanted] = partsOf(lines.slice(reply + 1));
  const who = headers.includes("$ADMIN_TOKEN") ? "administrator" : "member";
  return { kind: "request", who, method, path, body, status, wanted, line };
}

function partsOf(lines: readonly string[]): [headers: string, body: string] {
  const empty = lines.indexOf("");
  if (empty === -1) return [lines.join("\n"), ""];
  return [
    lines.slice(0, empty).join("\n"),
    lines
      .slice(empty + 1)
      .join("\n")
      .trim(),
  ];
}
