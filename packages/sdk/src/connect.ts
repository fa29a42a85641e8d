import type {
  ApiClient,
  RestoreDetail,
  RestoreSummary,
  SnapshotDetail,
  SnapshotSummary,
  WorkloadDetail,
  WorkloadSummary,
} from "@cairn/contract";
import { hasCode, Rejection } from "@cairn/kernel";
import type { Cloud, CloudAccess } from "@cairn/openstack";
import { logIn, type OpenCloud } from "./login.ts";
import { findRestore, findSnapshot, findWorkload } from "./names.ts";
import { eachRestore, eachSnapshot, eachWorkload } from "./paging.ts";
import { type WaitOptions, waitForRestore, waitForSnapshot, waitForWorkload } from "./waiting.ts";

/** How to reach Cairn. */
export interface CairnOptions {
  /** Who, where: `accessFromEnvironment`, `accessFromClouds`, or written down. */
  readonly access: CloudAccess;
  /** Address of the API instead of the catalogue's, with or without `/v1/PROJECT`. */
  readonly endpoint?: string;
  /** Ends the login and every later renewal of the token. */
  readonly signal?: AbortSignal;
}

/** Cairn, as one user in one project. */
export interface Cairn {
  /** Every operation of the API, typed; each call is one request. */
  readonly api: ApiClient;
  /** OpenStack with the same credentials. */
  readonly cloud: Cloud;
  workloads(...query: Rest<typeof eachWorkload>): AsyncGenerator<WorkloadSummary, void, undefined>;
  snapshots(...query: Rest<typeof eachSnapshot>): AsyncGenerator<SnapshotSummary, void, undefined>;
  restores(...query: Rest<typeof eachRestore>): AsyncGenerator<RestoreSummary, void, undefined>;
  /** Ids by id or name; an unknown or ambiguous name is a `Rejection`. */
  findWorkload(wanted: string): Promise<string>;
  findSnapshot(wanted: string): Promise<string>;
  findRestore(wanted: string): Promise<string>;
  waitForWorkload(id: string, options?: WaitOptions<WorkloadDetail>): Promise<WorkloadDetail>;
  waitForSnapshot(id: string, options?: WaitOptions<SnapshotDetail>): Promise<SnapshotDetail>;
  waitForRestore(id: string, options?: WaitOptions<RestoreDetail>): Promise<RestoreDetail>;
}

type Rest<Call> = Call extends (api: ApiClient, ...rest: infer Parts) => unknown ? Parts : never;

/** Gets a token from Keystone, finds the API in the catalogue, and gives what one can do there. */
export async function connectCairn(options: CairnOptions): Promise<Cairn> {
  return connectWith(await logIn(options.access, options.signal), options);
}

/** The same with a token that there is already. */
export async function connectWith(
  open: OpenCloud,
  { endpoint, signal }: Omit<CairnOptions, "access"> = {},
): Promise<Cairn> {
  // Loaded here and not at the top: a program that only wants names or types starts at once.
  const { connectApi } = await import("@cairn/contract");
  const { secureFetch } = await import("@cairn/openstack");
  const { cloud, access } = open;
  const api = connectApi({
    endpoint: await endpointOf(open, endpoint, signal),
    ...(access.tls === undefined ? {} : { fetch: secureFetch(access.tls) }),
    token: async () => (await cloud.token(signal)).value.reveal(),
  });
  return {
    api,
    cloud,
    workloads: (query) => eachWorkload(api, query),
    snapshots: (query) => eachSnapshot(api, query),
    restores: (query) => eachRestore(api, query),
    findWorkload: async (wanted) => findWorkload(api, wanted),
    findSnapshot: async (wanted) => findSnapshot(api, wanted),
    findRestore: async (wanted) => findRestore(api, wanted),
    waitForWorkload: async (id, wait) => waitForWorkload(api, id, wait),
    waitForSnapshot: async (id, wait) => waitForSnapshot(api, id, wait),
    waitForRestore: async (id, wait) => waitForRestore(api, id, wait),
  };
}

async function endpointOf(
  { cloud, access }: OpenCloud,
  given: string | undefined,
  signal: AbortSignal | undefined,
): Promise<string> {
  if (given === undefined) {
    try {
      return await cloud.endpoint("workloads", signal);
    } catch (cause) {
      if (!hasCode(cause, "openstack-no-endpoint")) throw cause;
      const region = access.region === undefined ? "" : ` in region ${access.region}`;
      throw new Rejection(
        `Keystone's catalogue has no ${access.interface} address of Cairn (service type workloads)${region}.`,
        {
          status: 400,
          remedy: "Check OS_REGION_NAME and OS_INTERFACE, or give the address of the API.",
        },
      );
    }
  }
  if (!URL.canParse(given) || !/^https?:/.test(given)) {
    throw new Rejection(`The endpoint ${given} is no http address.`, {
      status: 400,
      field: "endpoint",
      value: given,
      remedy: "It looks like http://controller:8780 or http://controller:8780/v1/<project id>.",
    });
  }
  const root = given.replace(/\/+$/, "");
  if (/\/v1\/[^/]+$/.test(root)) return root;
  return `${root.replace(/\/v1$/, "")}/v1/${await cloud.projectId(signal)}`;
}
