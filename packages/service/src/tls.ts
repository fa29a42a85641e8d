import { readFile } from "node:fs/promises";
import { Fault } from "@cairn/kernel";

/** Whose certificates a program takes for good, beyond those of the authorities that Node knows. */
export interface TrustedTls {
  /** Certificates in PEM. */
  readonly authorities?: string;
  readonly isInsecure?: boolean;
}

/** What the settings `ca_file` and `insecure` come to; undefined when neither says anything. */
export async function readTls(settings: {
  readonly caFile: string;
  readonly insecure: boolean;
}): Promise<TrustedTls | undefined> {
  const { caFile, insecure } = settings;
  if (caFile === "") return insecure ? { isInsecure: true } : undefined;
  const authorities = await readCertificates(caFile);
  return insecure ? { authorities, isInsecure: true } : { authorities };
}

async function readCertificates(caFile: string): Promise<string> {
  const doing = `reading certificates of authorities from ${caFile}`;
  try {
    const text = await readFile(caFile, "utf8");
    if (text.includes("-----BEGIN CERTIFICATE-----")) return text;
  } catch (cause) {
    throw new Fault("ca-file", doing, "after-operator", cause);
  }
  throw new Fault("ca-file", `${doing}: it holds none`, "after-operator");
}
