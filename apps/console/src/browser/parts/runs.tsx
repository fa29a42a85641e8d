import type { RecentSnapshot } from "../../model/api-types.ts";
import { toneOf } from "../../model/states.ts";
import { useWords } from "../surroundings.tsx";

/** The last snapshots of a workload as a row of marks, the newest at its end. */
export function Runs({ of }: { readonly of: readonly RecentSnapshot[] }) {
  const { workloads } = useWords();
  const count = (tone: string): number => of.filter(({ status }) => toneOf(status) === tone).length;
  if (of.length === 0) return <span className="soft">{workloads.none}</span>;
  return (
    <>
      <span className="hidden">{workloads.runsOf(count("good"), count("bad"))}</span>
      <span className="runs" aria-hidden="true">
        {of.toReversed().map(({ id, status }) => (
          <span key={id} data-tone={toneOf(status)} />
        ))}
      </span>
    </>
  );
}
