import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parseSync } from "oxc-parser";

/** A node of the ESTree that oxc-parser gives, as far as checks look into it without knowing its kind. */
export interface SyntaxNode {
  readonly type: string;
  readonly start: number;
  readonly end: number;
  readonly [field: string]: unknown;
}

/** One `import` or `export … from`, static or dynamic. */
export interface Import {
  readonly specifier: string;
  readonly line: number;
  /** Erased before the program runs. */
  readonly isType: boolean;
}

/** One TypeScript file of ours. */
export interface Source {
  /** From the root of the repository, such as `packages/nbd/src/codec.ts`. */
  readonly path: string;
  /** `packages/nbd`, `apps/api`, `tools` … */
  readonly room: string;
  readonly text: string;
  readonly isTest: boolean;
  readonly imports: readonly Import[];
  readonly program: SyntaxNode;
  readonly comments: readonly { readonly value: string; readonly line: number }[];
  lineAt(offset: number): number;
}

/** All TypeScript files of ours, parsed. */
export interface SourceTree {
  readonly root: string;
  /** Folders with a package.json of their own. */
  readonly rooms: readonly string[];
  readonly sources: readonly Source[];
}

const ROOMS = [
  "packages/*/package.json",
  "apps/*/package.json",
  "{tools,bench,simulate,test,testcloud}/package.json",
];

/** Reads and parses every module of every room. */
export function loadTree(root: string): SourceTree {
  const rooms = globSync(ROOMS, { cwd: root })
    .map((file) => file.slice(0, -"/package.json".length))
    .toSorted();
  const sources = rooms.flatMap((room) =>
    globSync(`${room}/src/**/*.{ts,tsx}`, { cwd: root })
      .toSorted()
      .map((path) => parseSource(path, room, readFileSync(join(root, path), "utf8"))),
  );
  return { root, rooms, sources };
}

function parseSource(path: string, room: string, text: string): Source {
  const { program, comments, module } = parseSync(path, text);
  const lineAt = lineCounter(text);
  const imports = [
    ...module.staticImports.map(({ moduleRequest, entries, start }) => ({
      specifier: moduleRequest.value,
      line: lineAt(start),
      isType: entries.length > 0 && entries.every((entry) => entry.isType),
    })),
    ...module.staticExports.flatMap(({ entries, start }) =>
      entries.slice(0, 1).flatMap(({ moduleRequest }) =>
        moduleRequest === null
          ? []
          : [
              {
                specifier: moduleRequest.value,
                line: lineAt(start),
                isType: entries.every((entry) => entry.isType),
              },
            ],
      ),
    ),
    ...module.dynamicImports.flatMap(({ moduleRequest, start }) => {
      const literal = /^(["'`])([^"'`$]+)\1$/.exec(text.slice(moduleRequest.start, moduleRequest.end))?.[2];
      return literal === undefined ? [] : [{ specifier: literal, line: lineAt(start), isType: false }];
    }),
  ];
  return {
    path,
    room,
    text,
    isTest: path.endsWith(".test.ts"),
    imports,
    program: program as unknown as SyntaxNode,
    comments: comments.map(({ value, start }) => ({ value, line: lineAt(start) })),
    lineAt,
  };
}

function lineCounter(text: string): (offset: number) => number {
  const ends = [...text.matchAll(/\n/g)].map((match) => match.index);
  return (offset) => {
    const before = ends.findIndex((end) => end >= offset);
    return (before === -1 ? ends.length : before) + 1;
  };
}

/** Calls `visit` for a node and everything below it. */
export function walk(node: SyntaxNode, visit: (node: SyntaxNode) => void): void {
  visit(node);
  for (const value of Object.values(node)) {
    for (const child of Array.isArray(value) ? (value as unknown[]) : [value]) {
      if (isNode(child)) walk(child, visit);
    }
  }
}

/** Whether a field of a node is a node itself. */
export function isNode(value: unknown): value is SyntaxNode {
  return typeof value === "object" && value !== null && "type" in value && typeof value.type === "string";
}
