import { getCACertificates } from "node:tls";

/** The option of TLS that adds authorities to those that Node knows; none where there are none to add. */
export function authorities(more: string | undefined): { readonly ca?: string[] } {
  return more === undefined ? {} : { ca: [...getCACertificates("default"), more] };
}
