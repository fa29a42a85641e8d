import { Fault } from "@cairn/kernel";
import { Fields } from "./decode.ts";
import type { Json } from "./json.ts";

/** The microversions of a call: what its answer is decoded for at most, and what it cannot do without. */
export interface VersionRange {
  readonly least: string;
  readonly most: string;
}

/** What a service speaks. */
export type Spoken = VersionRange;

/** The newest microversion that both sides know, or a Fault when there is none. */
export function agreeOn(wanted: VersionRange, spoken: Spoken, doing: string): string {
  const version = isNewer(wanted.most, spoken.most) ? spoken.most : wanted.most;
  if (isNewer(wanted.least, version) || isNewer(spoken.least, version)) {
    throw new Fault(
      "openstack-too-old",
      `${doing}: needs microversion ${wanted.least} and the service speaks ${spoken.least} to ${spoken.most}`,
      "after-operator",
    );
  }
  return version;
}

function isNewer(one: string, other: string): boolean {
  const [major = 0, minor = 0] = one.split(".").map(Number);
  const [otherMajor = 0, otherMinor = 0] = other.split(".").map(Number);
  return major === otherMajor ? minor > otherMinor : major > otherMajor;
}

/** A version document: one `version` (Nova's `/v2.1/`) or a list of `versions` (Cinder's `/v3/`). */
export function decodeSpoken(body: Json | undefined, major: string): Spoken {
  const fields = new Fields(body, "version document");
  const single = fields.optionalObject("version", readVersion);
  const list = single === undefined ? fields.list("versions", readVersion) : [single];
  return list.find((each) => each.id.startsWith(major)) ?? { least: "0.0", most: "0.0" };
}

function readVersion(fields: Fields): Spoken & { readonly id: string } {
  return {
    id: fields.text("id"),
    // An ancient service without microversions leaves both out.
    least: fields.optionalString("min_version") ?? "0.0",
    most: fields.optionalString("version") ?? "0.0",
  };
}
