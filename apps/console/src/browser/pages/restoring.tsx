import type { Snapshot } from "../../model/api-types.ts";
import { hrefOfSnapshot, type Place } from "../../model/place.ts";
import { obstacleToRestore } from "../../model/restores.ts";
import { parseWireTime } from "../../model/wire-time.ts";
import { Loaded, Note } from "../parts/notes.tsx";
import { Page } from "../parts/page.tsx";
import { useRead } from "../reading.ts";
import { useFormats, useSession, useWords } from "../surroundings.tsx";
import { InPlace } from "./restoring-in-place.tsx";
import { OneClick } from "./restoring-one-click.tsx";
import { Selective } from "./restoring-selective.tsx";

type RestoringPlace = Extract<Place, { page: "restoring" }>;

/** Prepares a restore of a snapshot: says what it will do, has it checked, and begins it. */
export function Restoring({ place: { id, kind } }: { readonly place: RestoringPlace }) {
  const { restores: words } = useWords();
  const formats = useFormats();
  const read = useRead("GET /snapshots/{snapshot_id}", { params: { snapshot_id: id } });
  const snapshot = read.data?.snapshot;
  const way = <a href={hrefOfSnapshot(id)}>{words.back}</a>;
  if (snapshot === undefined) {
    return (
      <Page title={words.kinds[kind]} way={way}>
        <Loaded from={read}>{() => null}</Loaded>
      </Page>
    );
  }
  const when = formats.short(parseWireTime(snapshot.created_at));
  const Steps = STEPS[kind];
  return (
    <Page title={words.wizard.title(words.kinds[kind], when)} way={way}>
      <Held snapshot={snapshot} />
      <Steps snapshot={snapshot} />
    </Page>
  );
}

const STEPS = { oneclick: OneClick, selective: Selective, inplace: InPlace } as const;

/** Said at once, so that nobody fills in what cannot be begun. */
function Held({ snapshot }: { readonly snapshot: Snapshot }) {
  const { restores: words } = useWords();
  const { mayNot } = useSession();
  const obstacle = obstacleToRestore(snapshot, mayNot);
  return obstacle === undefined ? null : <Note tone="busy" title={words.obstacles[obstacle]} />;
}
