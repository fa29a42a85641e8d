import { TextInput } from "@mantine/core";
import { useState } from "react";
import type { Node } from "../../../model/operator-tasks.ts";
import { parseWireTime } from "../../../model/wire-time.ts";
import { Confirm, DialogForm, Opener, useRefusal } from "../../parts/asking.tsx";
import { Listing } from "../../parts/listing.tsx";
import { Ago } from "../../parts/moment.tsx";
import { Page, Panel } from "../../parts/page.tsx";
import { State } from "../../parts/state.tsx";
import type { Column } from "../../parts/table.tsx";
import { useChange, useRead } from "../../reading.ts";
import { useWords } from "../../surroundings.tsx";

/** What does the work, on which node, and whether it gets new work. */
export function Nodes() {
  const { operator } = useWords();
  const { nodes: words } = operator;
  const nodes = useRead("GET /workloads/metrics/nodes", {});
  return (
    <Page title={operator.rooms.nodes}>
      <Panel title={words.services}>
        <Listing
          from={nodes}
          rowsOf={(reply) => reply.nodes}
          keyOf={({ id }) => id}
          label={words.services}
          columns={useColumns()}
          empty={{ title: words.empty, hint: words.emptyHint }}
        />
      </Panel>
    </Page>
  );
}

function useColumns(): readonly Column<Node>[] {
  const { nodes } = useWords().operator;
  return [
    { title: nodes.node, kind: "name", show: ({ node }) => <span translate="no">{node}</span> },
    { title: nodes.service, show: ({ service }) => nodes.names[service] },
    { title: nodes.state, show: (node) => <StateOf node={node} /> },
    { title: nodes.version, show: ({ version }) => version },
    { title: nodes.address, show: ({ ipaddress }) => ipaddress },
    {
      title: nodes.seen,
      show: ({ last_seen_at: at }) => (at === null ? nodes.never : <Ago atMs={parseWireTime(at)} />),
    },
    { title: nodes.actions, show: (node) => <Actions node={node} /> },
  ];
}

interface OfNode {
  readonly node: Node;
}

function StateOf({ node: { status, disabled, disabled_reason: reason } }: OfNode) {
  const { nodes } = useWords().operator;
  return (
    <span className="states">
      <State tone={status === "Up" ? "good" : "bad"}>{status === "Up" ? nodes.up : nodes.down}</State>
      {disabled && <State tone="idle">{nodes.out}</State>}
      {disabled && reason !== null && <span className="soft">{reason}</span>}
    </span>
  );
}

function Actions({ node }: OfNode) {
  return (
    <span className="row-actions">
      {node.disabled ? <LetIn node={node} /> : <TakeOut node={node} />}
      <Forget node={node} />
    </span>
  );
}

function TakeOut({ node }: OfNode) {
  const { nodes } = useWords().operator;
  const reason = useRefusal("updateService");
  const name = nodes.names[node.service];
  return (
    <Opener label={nodes.takeOut} of={node.node} title={nodes.takeOutOf(name, node.node)} reason={reason}>
      {(close) => <TakeOutForm node={node} close={close} />}
    </Opener>
  );
}

function TakeOutForm({ node, close }: OfNode & { readonly close: () => void }) {
  const { nodes } = useWords().operator;
  const update = useChange("POST /workloads/service/update");
  const [reason, give] = useState("");
  const run = async (): Promise<unknown> =>
    update.mutateAsync({
      body: { node_name: node.node, service: node.service, status: 1, reason },
    });
  return (
    <DialogForm verb={nodes.takeOut} isGrave run={run} close={close}>
      <p>{nodes.means[node.service](node.node)}</p>
      <TextInput
        label={nodes.reason}
        description={nodes.reasonHint}
        maxLength={255}
        value={reason}
        onChange={(event) => give(event.currentTarget.value)}
      />
    </DialogForm>
  );
}

function LetIn({ node }: OfNode) {
  const { nodes } = useWords().operator;
  const update = useChange("POST /workloads/service/update");
  const reason = useRefusal("updateService");
  return (
    <Confirm
      label={nodes.letIn}
      of={node.node}
      title={nodes.letInOf(nodes.names[node.service], node.node)}
      verb={nodes.letIn}
      reason={reason}
      run={async () =>
        update.mutateAsync({ body: { node_name: node.node, service: node.service, status: 0 } })
      }
    >
      <p>{nodes.letInMeans}</p>
    </Confirm>
  );
}

/** Of a service that is gone for good; one that runs cannot be forgotten. */
function Forget({ node }: OfNode) {
  const { nodes } = useWords().operator;
  const reason = useRefusal("removeNode");
  const remove = useChange("DELETE /workloads/remove_node/{node_name}");
  if (node.status === "Up") return null;
  return (
    <Confirm
      label={nodes.forget}
      of={node.node}
      title={nodes.forgetOf(node.node)}
      verb={nodes.forget}
      isGrave
      reason={reason}
      run={async () => remove.mutateAsync({ params: { node_name: node.node } })}
    >
      <p>{nodes.forgetMeans(node.node)}</p>
    </Confirm>
  );
}
