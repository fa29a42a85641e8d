import { type KeyboardEvent, useEffect, useRef, useState } from "react";
import { hrefOfSnapshot } from "../../model/place.ts";
import { type Mark, type Moment, markAfterKey, marksOf } from "../../model/timeline.ts";
import { useFormats, useNow, useWords } from "../surroundings.tsx";

/** A mark is as wide as a finger needs it. */
const MARK_PX = 30;

/** Snapshots along time; one stop of the Tab key, the arrow keys go along it. */
export function Timeline({ moments }: { readonly moments: readonly Moment[] }) {
  const { workload } = useWords();
  const formats = useFormats();
  const now = useNow();
  const [box, widthPx] = useWidth();
  const marks = marksOf(moments, now, MARK_PX / widthPx);
  const [chosen, choose] = useState<number>();
  const current = Math.min(chosen ?? marks.length - 1, marks.length - 1);
  const onKeyDown = (event: KeyboardEvent): void => {
    const next = markAfterKey(event.key, current, marks.length);
    if (next === current) return;
    event.preventDefault();
    choose(next);
    box.current?.querySelectorAll("a")[next]?.focus();
  };
  const oldest = marks[0]?.moments[0];
  return (
    <nav aria-label={workload.timeline}>
      <p className="hidden">{workload.timelineHint}</p>
      <div className="timeline" ref={box}>
        <ol>
          {marks.map((mark, index) => (
            <li key={mark.moments[0]?.id}>
              <MarkLink mark={mark} isStop={index === current} onKeyDown={onKeyDown} />
            </li>
          ))}
        </ol>
      </div>
      <div className="ends" aria-hidden="true">
        <span>{oldest === undefined ? "" : formats.short(oldest.atMs)}</span>
        <span>{workload.today}</span>
      </div>
    </nav>
  );
}

function MarkLink({
  mark,
  isStop,
  onKeyDown,
}: {
  readonly mark: Mark;
  readonly isStop: boolean;
  readonly onKeyDown: (event: KeyboardEvent) => void;
}) {
  const words = useWords();
  const formats = useFormats();
  const newest = mark.moments.at(-1);
  if (newest === undefined) return null;
  const isMany = mark.moments.length > 1;
  const kind = newest.isFull ? words.types.full : words.types.incremental;
  const alone = `${formats.short(newest.atMs)}: ${words.snapshotStates[newest.status]}, ${kind}`;
  const label = isMany ? `${words.workload.bucket(mark.moments.length)}, ${alone}` : alone;
  return (
    <a
      href={hrefOfSnapshot(newest.id)}
      style={{ insetInlineStart: `${String(mark.place * 100)}%` }}
      onKeyDown={onKeyDown}
      tabIndex={isStop ? 0 : -1}
      title={label}
      aria-label={label}
      data-tone={mark.tone}
      data-full={!isMany && newest.isFull}
      data-many={isMany}
    >
      <span aria-hidden="true">{isMany ? formats.count(mark.moments.length) : ""}</span>
    </a>
  );
}

function useWidth() {
  const box = useRef<HTMLDivElement>(null);
  const [widthPx, setWidth] = useState(800);
  useEffect(() => {
    const element = box.current;
    if (element === null) return undefined;
    const watcher = new ResizeObserver(() => setWidth(Math.max(1, element.clientWidth)));
    watcher.observe(element);
    return () => watcher.disconnect();
  }, []);
  return [box, widthPx] as const;
}
