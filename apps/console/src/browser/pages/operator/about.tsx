import type { Node } from "../../../model/operator-tasks.ts";
import { Loaded } from "../../parts/notes.tsx";
import { Facts, Page, Panel } from "../../parts/page.tsx";
import { useRead } from "../../reading.ts";
import { useFormats, useWords } from "../../surroundings.tsx";

/** What runs here: its versions, and under which licence. */
export function About() {
  const { about, rooms } = useWords().operator;
  const license = useRead("GET /workloads/metrics/license", {});
  const nodes = useRead("GET /workloads/metrics/nodes", {});
  return (
    <Page title={rooms.about}>
      <Panel title="Cairn">
        <Loaded from={license}>
          {({ license: { edition, type } }) => (
            <Facts
              of={[
                [about.licence, edition],
                [about.use, type],
              ]}
            />
          )}
        </Loaded>
      </Panel>
      <Panel title={about.versions}>
        <Loaded from={nodes}>{(reply) => <Versions of={reply.nodes} />}</Loaded>
      </Panel>
    </Page>
  );
}

/** One fact for each service and version: where two differ, somebody is still upgrading. */
function Versions({ of: all }: { readonly of: readonly Node[] }) {
  const { about, nodes } = useWords().operator;
  const formats = useFormats();
  const groups = Map.groupBy(all, ({ service, version }) => `${nodes.names[service]} ${version}`);
  if (groups.size === 0) return <p className="soft">{nodes.empty}</p>;
  return (
    <Facts
      of={[...groups]
        .toSorted(([one], [other]) => one.localeCompare(other))
        .map(([name, some]) => [name, about.onNodes(formats.count(some.length))] as const)}
    />
  );
}
