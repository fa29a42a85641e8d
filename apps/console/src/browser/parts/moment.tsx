import { parseWireTime } from "../../model/wire-time.ts";
import { useFormats, useNow } from "../surroundings.tsx";

/** How long ago something was, or in how long it will be; the exact time on hover and to those who listen. */
export function Ago({ atMs }: { readonly atMs: number }) {
  const formats = useFormats();
  const now = useNow();
  const exact = formats.exact(atMs);
  return (
    <time dateTime={new Date(atMs).toISOString()} title={exact}>
      {formats.relative(atMs, now)}
    </time>
  );
}

/** Day and time of something that the API tells. */
export function At({ wire }: { readonly wire: string }) {
  const formats = useFormats();
  const atMs = parseWireTime(wire);
  return (
    <time dateTime={new Date(atMs).toISOString()} title={formats.exact(atMs)}>
      {formats.short(atMs)}
    </time>
  );
}
