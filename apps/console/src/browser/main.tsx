import { createRoot } from "react-dom/client";
import type { LanguageTag } from "../model/words/choose.ts";
import type { Words } from "../model/words/english.ts";
import { tellActiveElement } from "./active-element.ts";
import { App, firstLanguage } from "./app.tsx";
import type { Clock } from "./surroundings.tsx";
import { ROOT_CLASS, styleSheets, themeFor } from "./theme.ts";

/** How often what is shown as "2 minutes ago" is looked at again. */
const TICK_MS = 5_000;

/** Each language is a file of its own: nobody reads more than one. */
async function loadWords(language: LanguageTag): Promise<Words> {
  switch (language) {
    case "en":
      return (await import("../model/words/english.ts")).english;
    case "de":
      return (await import("../model/words/german.ts")).german;
  }
}

/** The one place of the console that reads the clock. */
function wallClock(): Clock {
  let nowMs = Date.now();
  const listeners = new Set<() => void>();
  setInterval(() => {
    nowMs = Date.now();
    for (const listener of listeners) listener();
  }, TICK_MS);
  return {
    now: () => nowMs,
    onTick: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}

/** Below the host: the element that carries the scheme, and in it the page and what lies above it. */
async function open(host: HTMLElement): Promise<void> {
  tellActiveElement();
  const language = firstLanguage();
  const words = await loadWords(language);
  const shadow = host.attachShadow({ mode: "open" });
  const [root, page, overlay] = [divOf(ROOT_CLASS), divOf("ground"), divOf("overlay")];
  const rootFontPx = Number.parseFloat(getComputedStyle(document.documentElement).fontSize);
  const theme = themeFor(overlay, rootFontPx);
  shadow.adoptedStyleSheets = styleSheets(theme);
  root.append(page, overlay);
  shadow.append(root);
  const ground = { root, theme, clock: wallClock(), loadWords, first: { language, words } };
  createRoot(page).render(<App {...ground} />);
}

function divOf(className: string): HTMLDivElement {
  const div = document.createElement("div");
  div.className = className;
  return div;
}

const host = document.getElementById("cairn-root");
if (host === null) throw new Error("bug: the page has no element cairn-root");
await open(host);
