import { fieldValuesOf, type PolicyDraft } from "../../../model/policy-draft.ts";
import { parseWireTime } from "../../../model/wire-time.ts";
import { Failure } from "../../parts/notes.tsx";
import { useRead } from "../../reading.ts";
import { useFormats, useNow, useWords } from "../../surroundings.tsx";

/** What a policy comes to, by the API's own reckoning: how many snapshots there will be, and how far back. */
export function PolicyOutcome({ draft }: { readonly draft: PolicyDraft }) {
  const { policies } = useWords().operator;
  const formats = useFormats();
  const now = useNow();
  const { data, error } = useRead(
    "POST /schedules/preview",
    { body: { preview: { jobschedule: { enabled: true, ...fieldValuesOf(draft) }, runs: 1 } } },
    { isList: true },
  );
  if (error !== null) return <Failure of={error} />;
  const later = data?.preview.later;
  if (later === undefined || later === null) return null;
  const oldestMs = later.oldest_at === null ? undefined : parseWireTime(later.oldest_at);
  const reach = oldestMs === undefined ? undefined : parseWireTime(later.at) - oldestMs;
  return (
    <output className="soft">
      {policies.outcome(
        formats.relative(parseWireTime(later.at), now),
        later.snapshots,
        Math.round((reach ?? 0) / DAY_MS),
      )}
    </output>
  );
}

const DAY_MS = 86_400_000;
