import { type ReactNode, useEffect, useRef } from "react";
import { useFormats, useWords } from "../surroundings.tsx";
import { Stale } from "./notes.tsx";

/** A page: its title, which gets the focus when the page is opened, its actions, and what it shows. */
export function Page({
  title,
  way,
  state,
  actions,
  children,
}: {
  readonly title: string;
  /** Leads back to where the page belongs. */
  readonly way?: ReactNode;
  readonly state?: ReactNode;
  readonly actions?: ReactNode;
  readonly children: ReactNode;
}) {
  const words = useWords();
  const formats = useFormats();
  return (
    <main className="page" id="content">
      <Stale />
      <div className="page-head">
        {way !== undefined && <div className="way">{way}</div>}
        <Title text={title} />
        {state}
        {actions !== undefined && <div className="actions">{actions}</div>}
      </div>
      {children}
      <p className="foot">{words.time.zone(formats.timeZone)}</p>
    </main>
  );
}

/** Set by the first page: whoever has just opened the console begins at its top. */
let isOpened = false;

function Title({ text }: { readonly text: string }) {
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    if (isOpened) heading.current?.focus({ preventScroll: true });
    isOpened = true;
  }, []);
  useEffect(() => {
    document.title = `${text} · Cairn`;
  }, [text]);
  return (
    <h1 ref={heading} tabIndex={-1}>
      {text}
    </h1>
  );
}

/** A part of a page under a heading of its own. */
export function Panel({ title, children }: { readonly title: string; readonly children: ReactNode }) {
  return (
    <section className="panel">
      <h2>{title}</h2>
      {children}
    </section>
  );
}

/** Names and what they are. */
export function Facts({ of }: { readonly of: readonly (readonly [string, ReactNode])[] }) {
  return (
    <dl className="facts">
      {of.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}
