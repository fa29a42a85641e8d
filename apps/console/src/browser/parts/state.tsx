import type { ReactNode } from "react";
import type { Tone } from "../../model/states.ts";

const SIGNS: Readonly<Record<Tone, string>> = { good: "✓", busy: "…", bad: "✕", idle: "–" };

/** How something is: by a sign, a word and a colour, so that none is needed to know it. */
export function State({ tone, children }: { readonly tone: Tone; readonly children: ReactNode }) {
  return (
    <span className="state" data-tone={tone}>
      <span aria-hidden="true">{SIGNS[tone]}</span>
      {children}
    </span>
  );
}
