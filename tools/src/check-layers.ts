import { posix } from "node:path";
import type { Check, Finding } from "./finding.ts";
import { LAYERS, MODULES_MIN, PURE, THIRD_PARTY } from "./layers.ts";
import type { Import, Source, SourceTree } from "./source-tree.ts";

/** The rules of a house: `layers` checks Cairn's own, tests check small ones. */
export interface House {
  readonly layers: Readonly<Record<string, readonly string[]>>;
  readonly thirdParty: Readonly<Record<string, readonly string[]>>;
  readonly modulesMin: number;
}

/**
 * Imports point the way that ARCHITECTURE.md says, rooms are entered by their doors, pure files stay pure.
 */
export const layers: Check = {
  name: "layers",
  unit: "modules",
  run: async (tree) => {
    const house = { layers: LAYERS, thirdParty: THIRD_PARTY, modulesMin: MODULES_MIN };
    return { seen: tree.sources.length, findings: checkLayers(tree, house) };
  },
};

/** All breaches of a house's rules. */
export function checkLayers(tree: SourceTree, house: House): Finding[] {
  const findings = tree.sources.flatMap((source) =>
    source.imports.flatMap((each): Finding[] => {
      const reason = breach(source, each, house);
      return reason === undefined ? [] : [{ file: source.path, line: each.line, reason }];
    }),
  );
  for (const room of tree.rooms) {
    const isEmpty = !tree.sources.some((source) => source.room === room);
    if (isEmpty) findings.push({ file: room, reason: "the room has no module: was it seen at all?" });
    if (house.layers[room] === undefined) {
      findings.push({ file: room, reason: "not in the table of ARCHITECTURE.md and tools/src/layers.ts" });
    }
  }
  if (tree.sources.length < house.modulesMin) {
    const reason = `saw ${tree.sources.length} modules, at least ${house.modulesMin} were expected`;
    findings.push({ file: "tools/src/layers.ts", reason });
  }
  return findings;
}

function breach(source: Source, { specifier }: Import, house: House): string | undefined {
  if (specifier.startsWith("node:")) return nodeBreach(source, specifier);
  if (specifier.startsWith(".")) {
    const target = posix.join(posix.dirname(source.path), specifier);
    const isInside = target.startsWith(`${source.room}/src/`);
    return isInside ? undefined : `${specifier} leaves the room: enter another room by its name`;
  }
  const own = /^@cairn\/([^/]+)(\/.*)?$/.exec(specifier);
  if (own?.[1] === undefined) return thirdPartyBreach(source, specifier, house);
  if (own[2] !== undefined) return `${specifier} goes past the door: import @cairn/${own[1]}`;
  const allowed = house.layers[source.room] ?? [];
  if (allowed.includes(own[1])) return undefined;
  const instead = allowed.length === 0 ? "nothing" : allowed.join(", ");
  return `${source.room} may not import ${own[1]} (may: ${instead})`;
}

function nodeBreach(source: Source, specifier: string): string | undefined {
  const isPure = !source.isTest && PURE.files.some((pattern) => pattern.test(source.path));
  if (!isPure || PURE.nodeModules.some((allowed) => allowed === specifier)) return undefined;
  return `a pure file may not import ${specifier}: no I/O, no clock (may: ${PURE.nodeModules.join(", ")})`;
}

function thirdPartyBreach(source: Source, specifier: string, house: House): string | undefined {
  const name = specifier.split("/", specifier.startsWith("@") ? 2 : 1).join("/");
  const rooms = house.thirdParty[name];
  if (rooms === undefined) return `${name} is not among the packages of tools/src/layers.ts`;
  return rooms.includes(source.room) ? undefined : `${name} may be imported in ${rooms.join(", ")} only`;
}
