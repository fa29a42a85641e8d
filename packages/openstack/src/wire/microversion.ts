import { Fault } from "@cairn/kernel";
import { MAJORS, type VersionedService } from "./catalogue.ts";
import { Fields } from "./decode.ts";
import type { Json } from "./json.ts";

/** The microversions of a call: what its answer is decoded for at most, and what it cannot do without. */
export interface VersionRange {
  readonly least: string;
  readonly most: string;
}

/** What a service speaks. */
export type Spoken = VersionRange;

/** What a service says that does not know microversions, or does not tell. */
export const UNTOLD: Spoken = { least: "0.0", most: "0.0" };

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

/** Whether a microversion has what came with another one. */
export function hasReached(version: string, needed: string): boolean {
  return !isNewer(needed, version);
}

function isNewer(one: string, other: string): boolean {
  const [major = 0, minor = 0] = one.split(".").map(Number);
  const [otherMajor = 0, otherMinor = 0] = other.split(".").map(Number);
  return major === otherMajor ? minor > otherMinor : major > otherMajor;
}

/** One entry of a version document. */
export interface ApiVersion extends Spoken {
  /** `v2.1` */
  readonly id: string;
  /** Where the service believes that this version is. */
  readonly link: string | undefined;
}

/**
 * A version document: one `version` (Nova's `/v2.1/`, Keystone's `/v3`), a list of `versions` (Nova's,
 * Cinder's, Glance's and Neutron's), or `versions` with `values` (Keystone's root, Barbican's of old).
 */
export function decodeVersions(body: Json | undefined): readonly ApiVersion[] {
  const fields = new Fields(body, "version document");
  const single = fields.optionalObject("version", readVersion);
  if (single !== undefined) return [single];
  const listed = fields.raw["versions"];
  const isNested = typeof listed === "object" && listed !== null && !Array.isArray(listed);
  return isNested
    ? fields.object("versions", (nested) => nested.list("values", readVersion))
    : fields.list("versions", readVersion);
}

function readVersion(fields: Fields): ApiVersion {
  return {
    id: fields.text("id"),
    // An ancient service without microversions leaves both out, or empty.
    least: fields.optionalString("min_version") ?? UNTOLD.least,
    most: fields.optionalString("version") ?? UNTOLD.most,
    link: fields.list("links", readLink).find((link) => link.rel === "self")?.href,
  };
}

function readLink(fields: Fields): { readonly rel: string; readonly href: string } {
  return { rel: fields.text("rel"), href: fields.text("href") };
}

/**
 * What the document says of the major version that we speak; undefined when it does not have it. Glance's
 * and Keystone's minor versions are ids of their own, and the highest is what the service speaks.
 */
export function findMajor(
  versions: readonly ApiVersion[],
  service: VersionedService,
): ApiVersion | undefined {
  const ours = versions.filter((each) => MAJORS[service].id.test(each.id));
  const newest = ours.reduce<ApiVersion | undefined>(
    (best, each) => (best !== undefined && isNewer(best.id.slice(1), each.id.slice(1)) ? best : each),
    undefined,
  );
  if (newest === undefined || newest.most !== UNTOLD.most) return newest;
  return { ...newest, least: "0.0", most: newest.id.slice(1) };
}
