import { Button } from "@mantine/core";
import { useState } from "react";
import type { Snapshot } from "../../model/api-types.ts";
import { hrefOf } from "../../model/place.ts";
import { obstacleToDelete, obstacleToRestore, RESTORE_KINDS } from "../../model/restores.ts";
import { useSession, useWords } from "../surroundings.tsx";
import { DeleteSnapshot } from "./delete-snapshot.tsx";
import { Panel } from "./page.tsx";

/** What can be done with a snapshot: each with what it does; what stands in the way is said once. */
export function SnapshotActions({ snapshot }: { readonly snapshot: Snapshot }) {
  const { actions, obstacles } = useWords().restores;
  const { mayNot } = useSession();
  const toRestore = obstacleToRestore(snapshot, mayNot);
  const toDelete = obstacleToDelete(snapshot, mayNot);
  const said = [...new Set([toRestore, toDelete])].flatMap((obstacle) => obstacle ?? []);
  return (
    <Panel title={actions.title}>
      {said.map((obstacle) => (
        <p key={obstacle} className="soft">
          {obstacles[obstacle]}
        </p>
      ))}
      <ul className="deeds">
        {RESTORE_KINDS.map((kind) => (
          <li key={kind}>
            <div>
              <p>{actions[kind]}</p>
            </div>
            {toRestore === undefined ? (
              <Button
                component="a"
                variant="default"
                href={hrefOf({ page: "restoring", id: snapshot.id, kind })}
              >
                {actions.go[kind]}
              </Button>
            ) : (
              <Button variant="default" disabled title={obstacles[toRestore]}>
                {actions.go[kind]}
              </Button>
            )}
          </li>
        ))}
        <Delete snapshot={snapshot} reason={toDelete === undefined ? undefined : obstacles[toDelete]} />
      </ul>
    </Panel>
  );
}

function Delete({
  snapshot,
  reason,
}: {
  readonly snapshot: Snapshot;
  /** Why it cannot be deleted. */
  readonly reason: string | undefined;
}) {
  const { actions } = useWords().restores;
  const [isOpen, open] = useState(false);
  return (
    <li>
      <div>
        <p>{actions.delete}</p>
      </div>
      <Button
        variant="default"
        color="red"
        disabled={reason !== undefined}
        title={reason}
        onClick={() => open(true)}
      >
        {actions.go.delete}
      </Button>
      <DeleteSnapshot snapshot={snapshot} isOpen={isOpen} onClose={() => open(false)} />
    </li>
  );
}
