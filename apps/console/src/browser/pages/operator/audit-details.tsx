import type { ReactNode } from "react";
import type { ReplyOf } from "../../../model/api-types.ts";
import { Opener } from "../../parts/asking.tsx";
import { At } from "../../parts/moment.tsx";
import { ProjectName } from "../../parts/names.tsx";
import { Facts } from "../../parts/page.tsx";
import { useWords } from "../../surroundings.tsx";

type Entry = ReplyOf<"GET /workloads/audit/auditlog">["auditlog"][number];

/** All that an entry has, with the ids to be copied: what the list has no room for. */
export function AuditDetails({ entry }: { readonly entry: Entry }) {
  const { audit, project } = useWords().operator;
  const { UserName, UserId, ProjectId, ObjectType, ObjectName, ObjectId } = entry;
  return (
    <Opener label={audit.details} of={`${entry.Action} ${ObjectName}`.trim()} title={audit.detailsTitle}>
      {() => (
        <Facts
          of={[
            [audit.when, <At key="when" wire={entry.Timestamp} />],
            [audit.who, <Named key="who" name={UserName} id={UserId} />],
            [project, <Named key="project" name={<ProjectName id={ProjectId} />} id={ProjectId} />],
            [audit.action, <Code key="action">{entry.Action}</Code>],
            [audit.object, <Named key="object" name={`${ObjectType} ${ObjectName}`.trim()} id={ObjectId} />],
            [audit.outcome, audit.outcomes[entry.Outcome]],
            [audit.sentence, entry.Details],
            [audit.request, <Code key="request">{entry.RequestId}</Code>],
            [audit.seal, <Code key="seal">{entry.Hash ?? audit.unsealed}</Code>],
          ]}
        />
      )}
    </Opener>
  );
}

function Named({ name, id }: { readonly name: ReactNode; readonly id: string | null }) {
  return (
    <span className="names">
      <span translate="no">{name}</span>
      {id !== null && id !== "" && <Code>{id}</Code>}
    </span>
  );
}

function Code({ children }: { readonly children: string }) {
  return (
    <code className="address" translate="no">
      {children}
    </code>
  );
}
