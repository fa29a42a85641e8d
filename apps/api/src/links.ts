import type { Links } from "@cairn/contract";

/** OpenStack's two links of a resource: with and without the version. */
export function linksOf(origin: string, projectId: string, path: string): Links {
  return [
    { rel: "self", href: `${origin}/v1/${projectId}/${path}` },
    { rel: "bookmark", href: `${origin}/${projectId}/${path}` },
  ];
}
