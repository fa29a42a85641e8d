import { randomBytes, randomUUID } from "node:crypto";
import { isUuid } from "@cairn/kernel";
import { type Answer, ApiError, type Call, noContent, ok, param, type Route, route } from "../http/answer.ts";
import { isJson, type Json, jsonOf, listAt, numberAt, textAt } from "../http/reading.ts";
import type { ContainerRow, OrderRow } from "../state/secret-rows.ts";
import { invalid, isoNow, keepSecret, reference } from "./secrets.ts";

/*
 * Orders make a secret, containers name some (docs.openstack.org/barbican, api/reference/orders and
 * containers). Both end at once here: an order is ACTIVE as soon as it was given.
 */

const KEY_BITS_MAX = 4096;

function idIn(call: Call): string {
  const id = param(call, "id");
  if (isUuid(id)) return id;
  throw new ApiError(404, "Not Found.");
}

/** barbican/common/policies: orders and containers are their project's alone. */
function ofProject<Row extends { readonly project_id: string }>(
  call: Call,
  row: Row | undefined,
  what: "order" | "container",
): Row {
  if (row === undefined) throw new ApiError(404, `Not Found. Sorry but your ${what} is in another castle.`);
  if (row.project_id === call.actor.projectId) return row;
  const words = "attempt not allowed - please review your user/project privileges";
  throw new ApiError(403, `${what === "order" ? "Order" : "Container"} retrieval ${words}`);
}

/** An order of type `key`: what Barbican makes is random octets of so many bits. */
function createOrder(call: Call): Answer {
  const asked = jsonOf(call.body);
  const meta = jsonOf(asked["meta"]);
  if (textAt(asked, "type") !== "key") throw invalid("type", "the sandbox takes orders of type key alone");
  const bits = numberAt(meta, "bit_length") ?? 0;
  if (bits <= 0 || bits > KEY_BITS_MAX || bits % 8 !== 0) throw invalid("bit_length", `it is ${bits}`);
  const secret = keepSecret(call, {
    name: textAt(meta, "name") ?? null,
    secret_type: "symmetric",
    algorithm: textAt(meta, "algorithm") ?? null,
    bit_length: bits,
    mode: textAt(meta, "mode") ?? null,
    content_type: "application/octet-stream",
    payload: randomBytes(bits / 8).toString("base64"),
  });
  const row = call.cloud.state.orders.put({
    id: randomUUID(),
    project_id: call.actor.projectId,
    creator_id: call.actor.userId,
    secret_id: secret.id,
    meta,
    created: isoNow(call),
  });
  return { status: 202, body: { order_ref: reference(call, "orders", row.id) } };
}

function showOrder(call: Call): Answer {
  const row: OrderRow = ofProject(call, call.cloud.state.orders.find(idIn(call)), "order");
  return ok({
    status: "ACTIVE",
    type: "key",
    meta: row.meta,
    secret_ref: reference(call, "secrets", row.secret_id),
    order_ref: reference(call, "orders", row.id),
    creator_id: row.creator_id,
    created: row.created,
    updated: row.created,
  });
}

function createContainer(call: Call): Answer {
  const asked = jsonOf(call.body);
  if (textAt(asked, "type") !== "generic")
    throw invalid("type", "the sandbox has containers of type generic alone");
  const held = (listAt(asked, "secret_refs") ?? []).filter(isJson).map((each) => heldSecret(call, each));
  const row = call.cloud.state.containers.put({
    id: randomUUID(),
    name: textAt(asked, "name") ?? null,
    project_id: call.actor.projectId,
    creator_id: call.actor.userId,
    secrets: held,
    created: isoNow(call),
  });
  return { status: 201, body: { container_ref: reference(call, "containers", row.id) } };
}

function heldSecret(call: Call, asked: Json): ContainerRow["secrets"][number] {
  const id = textAt(asked, "secret_ref")?.split("/").at(-1) ?? "";
  if (call.cloud.state.secrets.find(id) === undefined) {
    throw new ApiError(404, `Secret not found with id ${id}`);
  }
  return { name: textAt(asked, "name") ?? null, secret_id: id };
}

function showContainer(call: Call): Answer {
  const row = ofProject(call, call.cloud.state.containers.find(idIn(call)), "container");
  return ok({
    status: "ACTIVE",
    type: "generic",
    name: row.name,
    secret_refs: row.secrets.map(({ name, secret_id: id }) => ({
      ...(name === null ? {} : { name }),
      secret_ref: reference(call, "secrets", id),
    })),
    container_ref: reference(call, "containers", row.id),
    creator_id: row.creator_id,
    consumers: [],
    created: row.created,
    updated: row.created,
  });
}

export const holderRoutes: readonly Route[] = [
  route("POST /v1/orders", "Order creation", "member", createOrder),
  route("GET /v1/orders/:id", "Order retrieval", "reader", showOrder),
  route("DELETE /v1/orders/:id", "Order deletion", "member", (call) => {
    call.cloud.state.orders.remove(ofProject(call, call.cloud.state.orders.find(idIn(call)), "order").id);
    return noContent;
  }),
  route("POST /v1/containers", "Container creation", "member", createContainer),
  route("GET /v1/containers/:id", "Container retrieval", "reader", showContainer),
  route("DELETE /v1/containers/:id", "Container deletion", "member", (call) => {
    const row = ofProject(call, call.cloud.state.containers.find(idIn(call)), "container");
    call.cloud.state.containers.remove(row.id);
    return noContent;
  }),
];
