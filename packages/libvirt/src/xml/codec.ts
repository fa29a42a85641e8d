import { LibvirtProtocolFault } from "../faults.ts";

/** An element of the XML that libvirt writes: no namespaces of ours, no mixed content that matters. */
export interface XmlElement {
  readonly name: string;
  readonly attributes: Readonly<Record<string, string>>;
  readonly children: readonly XmlElement[];
  /** All text directly in it, entities resolved. */
  readonly text: string;
}

interface OpenElement {
  readonly name: string;
  readonly attributes: Readonly<Record<string, string>>;
  readonly children: XmlElement[];
  text: string;
}

const NAME = "[A-Za-z_][\\w.:-]*";
/** One piece of a document: a comment, declaration or CDATA, a tag, or text up to the next one. */
const PIECE = new RegExp(
  [
    "<!--[\\s\\S]*?-->",
    "<\\?[\\s\\S]*?\\?>",
    "<!\\[CDATA\\[(?<cdata>[\\s\\S]*?)\\]\\]>",
    `</(?<closed>${NAME})\\s*>`,
    `<(?<opened>${NAME})(?<attributes>(?:\\s+${NAME}\\s*=\\s*(?:"[^"<]*"|'[^'<]*'))*)\\s*(?<empty>/?)>`,
    "(?<text>[^<]+)",
  ].join("|"),
  "y",
);
const ATTRIBUTE = new RegExp(`(${NAME})\\s*=\\s*(?:"([^"]*)"|'([^']*)')`, "g");
/** Deeper than any domain's description. */
const DEPTH_MAX = 100;

/** Reads a document; whatever is not the XML that libvirt writes is a `LibvirtProtocolFault`. */
export function parseXml(document: string): XmlElement {
  const root: OpenElement = { name: "", attributes: {}, children: [], text: "" };
  const open = [root];
  for (let at = 0; at < document.length; ) {
    PIECE.lastIndex = at;
    const found = PIECE.exec(document);
    if (found === null) throw new LibvirtProtocolFault(`XML at ${document.slice(at, at + 60)}`);
    take(found.groups ?? {}, open);
    at = PIECE.lastIndex;
  }
  const [only, ...more] = root.children;
  if (open.length === 1 && only !== undefined && more.length === 0) return only;
  throw new LibvirtProtocolFault("XML that does not end as it began");
}

function take(groups: Readonly<Record<string, string | undefined>>, open: OpenElement[]): void {
  const parent = open.at(-1);
  if (parent === undefined || open.length > DEPTH_MAX) throw new LibvirtProtocolFault("XML without a shape");
  const { opened, closed, cdata, text } = groups;
  if (opened !== undefined) {
    const attributes = readAttributes(groups["attributes"] ?? "");
    const element: OpenElement = { name: opened, attributes, children: [], text: "" };
    parent.children.push(element);
    if (groups["empty"] !== "/") open.push(element);
  } else if (closed !== undefined) {
    if (open.length === 1 || parent.name !== closed) throw new LibvirtProtocolFault(`XML with </${closed}>`);
    open.pop();
  } else parent.text += cdata ?? unescapeXml(text ?? "");
}

function readAttributes(text: string): Readonly<Record<string, string>> {
  const pairs = [...text.matchAll(ATTRIBUTE)];
  return Object.fromEntries(
    pairs.map(([, name, one, other]) => [name ?? "", unescapeXml(one ?? other ?? "")]),
  );
}

/** The first child of this name. */
export function childOf(element: XmlElement | undefined, ...path: readonly string[]): XmlElement | undefined {
  let at = element;
  for (const name of path) at = at?.children.find((child) => child.name === name);
  return at;
}

/** All children of this name. */
export function childrenOf(element: XmlElement | undefined, name: string): readonly XmlElement[] {
  return element?.children.filter((child) => child.name === name) ?? [];
}

/** An attribute; nothing when it, or the element, is not there. */
export function attributeOf(element: XmlElement | undefined, name: string): string | undefined {
  return element?.attributes[name];
}

/** The text of an element without the space around it; nothing when there is none. */
export function elementText(element: XmlElement | undefined): string | undefined {
  const text = element?.text.trim();
  return text === "" ? undefined : text;
}

const ENTITIES: Readonly<Record<string, string>> = { lt: "<", gt: ">", amp: "&", quot: '"', apos: "'" };

function unescapeXml(text: string): string {
  return text.replaceAll(/&(#x?[0-9a-fA-F]+|\w+);/g, (_, name: string) => {
    if (name.startsWith("#x")) return String.fromCodePoint(Number.parseInt(name.slice(2), 16));
    if (name.startsWith("#")) return String.fromCodePoint(Number.parseInt(name.slice(1), 10));
    const known = ENTITIES[name];
    if (known === undefined) throw new LibvirtProtocolFault(`XML with &${name};`);
    return known;
  });
}

/** A text as it may stand in an attribute or between tags. */
export function escapeXml(text: string): string {
  return text
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll("'", "&apos;")
    .replaceAll('"', "&quot;");
}
