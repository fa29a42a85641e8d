import {
  keepPreviousData,
  QueryCache,
  QueryClient,
  type UseQueryResult,
  useMutation,
  useQuery,
  useQueryClient,
} from "@tanstack/react-query";
import type { Endpoint, ReplyOf, RequestOf } from "../model/api-types.ts";
import { ApiFailure } from "../model/failure.ts";
import { askApi } from "./api-client.ts";
import { useSession } from "./surroundings.tsx";

export const SESSION_KEY = ["session"] as const;

/** While something goes on. */
export const SOON_MS = 1_500;
const USUAL_MS = 30_000;
/** After a failure: it may be over at any time. */
const AGAIN_MS = 5_000;

/** What was read of the API, shared by all pages. A session that has ended ends it everywhere. */
export function makeQueryClient(): QueryClient {
  const client = new QueryClient({
    queryCache: new QueryCache({
      onError: (error) => {
        if (isKind(error, "signed-out")) client.setQueryData(SESSION_KEY, null);
      },
    }),
    defaultOptions: {
      // A failure is shown and tried again by its page; whoever has no network shall hear of it.
      queries: { retry: false, networkMode: "always", staleTime: 1_000 },
      mutations: { retry: false, networkMode: "always" },
    },
  });
  return client;
}

function isKind(error: unknown, kind: ApiFailure["kind"]): boolean {
  return error instanceof ApiFailure && error.kind === kind;
}

/** What a read is to do beside reading. */
interface ReadOptions<Value> {
  /** Whether what was read changes by itself, so that it is read again soon. */
  readonly isMoving?: (value: Value) => boolean;
  /** Keeps showing the former page of a list while the next one is read. */
  readonly isList?: boolean;
}

/** Reads something of the session's project, again and again while the page is looked at. */
export function useRead<At extends Endpoint>(
  at: At,
  request: RequestOf<At>,
  { isMoving, isList = false }: ReadOptions<ReplyOf<At>> = {},
): UseQueryResult<ReplyOf<At>> {
  const { project } = useSession();
  return useQuery<ReplyOf<At>>({
    queryKey: [project.id, at, request],
    queryFn: async ({ signal }) => askApi(project.id, { at, request, signal }),
    refetchInterval: ({ state: { data, error } }) => {
      if (error !== null) return AGAIN_MS;
      return data !== undefined && isMoving?.(data) === true ? SOON_MS : USUAL_MS;
    },
    ...(isList ? { placeholderData: keepPreviousData } : {}),
  });
}

/** Changes something of the session's project; then everything of it is read anew. */
export function useChange<At extends Endpoint>(at: At) {
  const { project } = useSession();
  const client = useQueryClient();
  return useMutation<ReplyOf<At>, Error, RequestOf<At>>({
    mutationFn: async (request) => askApi(project.id, { at, request }),
    onSettled: async () => client.invalidateQueries({ queryKey: [project.id] }),
    onError: (error) => {
      if (isKind(error, "signed-out")) client.setQueryData(SESSION_KEY, null);
    },
  });
}
