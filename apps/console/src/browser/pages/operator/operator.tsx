import type { ComponentType } from "react";
import { mayOpen, type OperatorRoom, roomsFor } from "../../../model/operator-rooms.ts";
import { type Filters, hrefOfOperator } from "../../../model/place.ts";
import { Note } from "../../parts/notes.tsx";
import { Page } from "../../parts/page.tsx";
import { useSession, useWords } from "../../surroundings.tsx";
import { Nodes } from "./nodes.tsx";
import { Status } from "./status.tsx";
import { Targets } from "./targets.tsx";

/** What every operator page is given. */
export interface RoomProps {
  readonly filters: Filters;
}

const ROOMS: Readonly<Record<OperatorRoom, ComponentType<RoomProps>>> = {
  status: Status,
  nodes: Nodes,
  targets: Targets,
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
      <nav aria-label={operator.navigation}>
        <ul className="side">
          {roomsFor(session).map((each) => (
            <li key={each}>
              <a href={hrefOfOperator(each)} aria-current={each === room ? "page" : undefined}>
                {operator.rooms[each]}
              </a>
            </li>
          ))}
        </ul>
      </nav>
      <Room filters={filters} />
    </div>
  );
}
