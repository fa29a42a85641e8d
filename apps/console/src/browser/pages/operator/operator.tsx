import type { ComponentType } from "react";
import { mayOpen, type OperatorRoom, roomsFor } from "../../../model/operator-rooms.ts";
import { hrefOfOperator } from "../../../model/place.ts";
import { inSight } from "../../in-sight.ts";
import { Note } from "../../parts/notes.tsx";
import { Page } from "../../parts/page.tsx";
import { useSession, useWords } from "../../surroundings.tsx";
import { About } from "./about.tsx";
import { AllWorkloads } from "./all-workloads.tsx";
import { Audit } from "./audit.tsx";
import { Mail } from "./mail.tsx";
import { Nodes } from "./nodes.tsx";
import { Orphans } from "./orphans.tsx";
import { Policies } from "./policies.tsx";
import { Quotas } from "./quotas.tsx";
import type { RoomProps } from "./room-props.ts";
import { Schedules } from "./schedules.tsx";
import { Simulator } from "./simulator.tsx";
import { Status } from "./status.tsx";
import { Targets } from "./targets.tsx";
import { Usage } from "./usage.tsx";
import { Webhooks } from "./webhooks.tsx";

const ROOMS: Readonly<Record<OperatorRoom, ComponentType<RoomProps>>> = {
  status: Status,
  workloads: AllWorkloads,
  nodes: Nodes,
  targets: Targets,
  policies: Policies,
  schedules: Schedules,
  simulator: Simulator,
  mail: Mail,
  webhooks: Webhooks,
  audit: Audit,
  usage: Usage,
  quotas: Quotas,
  orphans: Orphans,
  about: About,
};

/** A page for whoever runs the service, beside the way to the others; refused to all others. */
export function Operator({ room, filters }: RoomProps & { readonly room: OperatorRoom }) {
  const { operator, states } = useWords();
  const session = useSession();
  if (!mayOpen(session, room)) {
    return (
      <Page title={operator.rooms[room]}>
        <Note tone="bad" title={states.failures.forbidden}>
          <p>{operator.forbidden}</p>
        </Note>
      </Page>
    );
  }
  const Room = ROOMS[room];
  return (
    <div className="operator">
      <Rooms here={room} />
      <Room filters={filters} />
    </div>
  );
}

/** The way to the other pages. Where there is no room for all, the one that is open is in sight. */
function Rooms({ here }: { readonly here: OperatorRoom }) {
  const { operator } = useWords();
  const rooms = roomsFor(useSession());
  return (
    <nav aria-label={operator.navigation}>
      <ul className="side">
        {rooms.map((each) => (
          <li key={each}>
            <a
              ref={each === here ? inSight : undefined}
              href={hrefOfOperator(each)}
              aria-current={each === here ? "page" : undefined}
            >
              {operator.rooms[each]}
            </a>
          </li>
        ))}
      </ul>
    </nav>
  );
}
