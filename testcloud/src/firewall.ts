/** The text of iptables-save without Neutron's chains and rules, for iptables-restore. */
export function withoutNeutron(rules: string): string {
  return rules
    .split("\n")
    .filter((line) => !line.includes("neutron-"))
    .join("\n");
}
