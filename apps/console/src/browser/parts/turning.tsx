import { Button } from "@mantine/core";
import { useWords } from "../surroundings.tsx";

/** Leads through a list of the API, which goes from the newest on, a page after the other. */
export function Turning({
  summary,
  newest,
  newer,
  older,
  words,
}: {
  readonly summary: string;
  /** Address of the first page; undefined: this is it. */
  readonly newest: string | undefined;
  /** Address of the page before this one; undefined: this is the first, or nobody knows the way back. */
  readonly newer?: string | undefined;
  /** Address of the next page; undefined: this is the last. */
  readonly older: string | undefined;
  readonly words: { readonly newest: string; readonly older: string };
}) {
  const { workloads } = useWords();
  if (newest === undefined && older === undefined) return <p className="foot">{summary}</p>;
  return (
    <div className="pager">
      <span className="foot">{summary}</span>
      {newest !== undefined && (
        <Button component="a" variant="default" size="xs" href={newest}>
          {words.newest}
        </Button>
      )}
      {newer !== undefined && (
        <Button component="a" variant="default" size="xs" href={newer}>
          {workloads.newer}
        </Button>
      )}
      {older !== undefined && (
        <Button component="a" variant="default" size="xs" href={older}>
          {words.older}
        </Button>
      )}
    </div>
  );
}
