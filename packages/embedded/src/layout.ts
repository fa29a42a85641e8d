import { join } from "node:path";

/** Where each thing of an embedded installation lies below its one folder. */
export interface Layout {
  readonly root: string;
  readonly postgres: string;
  readonly sandbox: string;
  readonly target: string;
  readonly logs: string;
  readonly secrets: string;
  readonly keyFile: string;
  /** The escrow of a demo or a development: both halves, which an operator keeps apart. */
  readonly escrowKey: string;
  readonly escrowPublicKey: string;
  /** Who may do what, where somebody writes it. */
  readonly policyFile: string;
  scratch(host: string): string;
  tokenFile(host: string): string;
  logFile(program: string): string;
}

/** The layout of an embedded installation; makes nothing. */
export function layoutOf(root: string): Layout {
  const secrets = join(root, "secrets");
  const logs = join(root, "logs");
  return {
    root,
    postgres: join(root, "postgres"),
    sandbox: join(root, "cloud"),
    target: join(root, "target"),
    logs,
    secrets,
    keyFile: join(secrets, "cairn.key"),
    escrowKey: join(secrets, "escrow.pem"),
    escrowPublicKey: join(secrets, "escrow.pub"),
    policyFile: join(root, "policy.yaml"),
    scratch: (host) => join(root, "scratch", host),
    tokenFile: (host) => join(secrets, `datamover-${host}.token`),
    logFile: (program) => join(logs, `${program}.log`),
  };
}
