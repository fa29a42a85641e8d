import { Button } from "@mantine/core";
import { type QueryCache, type UseQueryResult, useQueryClient } from "@tanstack/react-query";
import { type ReactNode, useSyncExternalStore } from "react";
import { ApiFailure } from "../../model/failure.ts";
import { ALL_WORKLOADS, hrefOf } from "../../model/place.ts";
import type { Tone } from "../../model/states.ts";
import { useSession, useWords } from "../surroundings.tsx";

/** What failed is told at once, what succeeded when there is time; what is worth knowing waits to be read. */
const NOTE_ROLES = { bad: "alert", good: "status", busy: "note", idle: "note" } as const satisfies Record<
  Tone,
  string
>;

/** A box that says something: what is wrong, or worth knowing. */
export function Note({
  tone,
  title,
  children,
}: {
  readonly tone: Tone;
  readonly title: string;
  readonly children?: ReactNode;
}) {
  return (
    <div className="note" data-tone={tone} role={NOTE_ROLES[tone]}>
      <strong>{title}</strong>
      {children}
    </div>
  );
}

/** What went wrong, what to do about it, and under which id an operator finds it. */
export function Failure({ of: error, onAgain }: { readonly of: Error; readonly onAgain?: () => void }) {
  const words = useWords();
  const failure = error instanceof ApiFailure ? error : new ApiFailure("broken", error.message);
  return (
    <Note tone="bad" title={words.states.failures[failure.kind]}>
      <Explanation failure={failure} />
      {failure.requestId !== undefined && (
        <p className="soft">
          {words.states.requestId} <code translate="no">{failure.requestId}</code>
        </p>
      )}
      {onAgain !== undefined && (
        <Button variant="default" size="xs" onClick={onAgain}>
          {words.states.again}
        </Button>
      )}
    </Note>
  );
}

function Explanation({ failure }: { readonly failure: ApiFailure }) {
  const { states } = useWords();
  switch (failure.kind) {
    case "absent":
      return <Absent />;
    case "forbidden":
      return <p>{failure.remedy ?? states.forbidden}</p>;
    case "signed-out":
    case "conflict":
    case "refused":
    case "offline":
    case "broken":
      return (
        <p>
          {failure.message} {failure.remedy}
        </p>
      );
  }
}

function Absent() {
  const { states } = useWords();
  const { project } = useSession();
  return (
    <>
      <p>{states.absent(project.name)}</p>
      <a href={hrefOf(ALL_WORKLOADS)}>{states.toWorkloads}</a>
    </>
  );
}

/** What something is for when there is nothing of it, and what can be done. */
export function Empty({
  title,
  hint,
  children,
}: {
  readonly title: string;
  readonly hint?: string;
  readonly children?: ReactNode;
}) {
  return (
    <div className="empty">
      <strong>{title}</strong>
      {hint !== undefined && <p className="soft">{hint}</p>}
      {children}
    </div>
  );
}

/** The shape of what is still being read. */
function Waiting() {
  const { states } = useWords();
  return (
    <output className="waiting" aria-label={states.loading}>
      <span />
      <span />
      <span />
      <span />
    </output>
  );
}

/**
 * What was read, once it is there; meanwhile its shape, or why it did not come. Whatever came once is kept
 * while it is read again.
 */
export function Loaded<Value>({
  from,
  children,
}: {
  readonly from: UseQueryResult<Value>;
  readonly children: (value: Value) => ReactNode;
}) {
  if (from.data !== undefined) return children(from.data);
  if (from.error !== null) return <Failure of={from.error} onAgain={() => void from.refetch()} />;
  return <Waiting />;
}

/** Says that what is shown is from before, while the service cannot be reached. */
export function Stale() {
  const { states } = useWords();
  const cache = useQueryClient().getQueryCache();
  const isStale = useSyncExternalStore(
    (listener) => cache.subscribe(listener),
    () => hasStale(cache),
  );
  if (!isStale) return null;
  return (
    <Note tone="bad" title={states.failures.offline}>
      {states.offline}
    </Note>
  );
}

function hasStale(cache: QueryCache): boolean {
  return cache.getAll().some(({ state: { data, error } }) => {
    const isGone = error instanceof ApiFailure && (error.kind === "offline" || error.kind === "broken");
    return isGone && data !== undefined;
  });
}
