/** The text of iptables-save without Neutron's chains and rules, for iptables-restore. */
export function withoutNeutron(rules: string): string {
  return rules
    .split("\n")
    .filter((line) => !line.includes("neutron-"))
    .join("\n");
}

/**
 * Whether a table, as `nft list table` shows it, does nothing: no rule, no set, and only chains that let
 * everything pass.
 */
export function isEmptyTable(text: string): boolean {
  return text
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "" && line !== "}" && !line.startsWith("#"))
    .every((line) => /^(?:table .*|chain .*) \{$|^type .* policy accept;$/.test(line));
}

/**
 * What `nft` must be told to take Neutron's chains out of the bridges' table, of which the text (with
 * handles) is given: first what jumps to them, then what is in them, then they themselves.
 */
export function bridgeCleaning(table: string): string[][] {
  const chains: string[] = [];
  const jumps: string[][] = [];
  let chain = "";
  for (const line of table.split("\n")) {
    chain = /^\s*chain (\S+) \{/.exec(line)?.[1] ?? chain;
    if (chain.startsWith("neutron") && !chains.includes(chain)) chains.push(chain);
    const handle = /jump neutron\S+ # handle (\d+)$/.exec(line)?.[1];
    if (handle !== undefined) jumps.push(["delete", "rule", "bridge", "nat", chain, "handle", handle]);
  }
  const each = (verb: string): string[][] => chains.map((name) => [verb, "chain", "bridge", "nat", name]);
  return [...jumps, ...each("flush"), ...each("delete")];
}
