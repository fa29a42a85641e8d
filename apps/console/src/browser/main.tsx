import { createRoot } from "react-dom/client";
import { type Embedding, isDarkGround, parseEmbedding, startOf } from "../model/embedding.ts";
import type { LanguageTag } from "../model/words/choose.ts";
import type { Words } from "../model/words/english.ts";
import { tellActiveElement } from "./active-element.ts";
import { reachBy } from "./api-client.ts";
import { App, firstLanguage } from "./app.tsx";
import { placeBeforeSignIn } from "./leaving.tsx";
import type { Clock } from "./surroundings.tsx";
import { ROOT_CLASS, styleSheets, themeFor } from "./theme.ts";
import { wayOfOwnPage, wayThrough } from "./way.ts";

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

/** Learns of a page around the console, and by it how the API is reached and where one begins. */
function lookAround(host: HTMLElement, clock: Clock): Embedding | undefined {
  const told = host.dataset["cairn"];
  if (told === undefined) {
    reachBy(wayOfOwnPage());
    return undefined;
  }
  const embedding = parseEmbedding(told);
  reachBy(wayThrough(embedding, clock.now));
  if (location.hash === "") location.replace(placeBeforeSignIn() ?? startOf(embedding));
  return embedding;
}

/** Below the host: the element that carries the scheme, and in it the page and what lies above it. */
async function open(host: HTMLElement): Promise<void> {
  tellActiveElement();
  const clock = wallClock();
  const embedding = lookAround(host, clock);
  const language = firstLanguage(embedding);
  const words = await loadWords(language);
  const shadow = host.attachShadow({ mode: "open" });
  const [root, page, overlay] = [divOf(ROOT_CLASS), divOf("ground"), divOf("overlay")];
  const rootFontPx = Number.parseFloat(getComputedStyle(document.documentElement).fontSize);
  const theme = themeFor(overlay, rootFontPx);
  shadow.adoptedStyleSheets = styleSheets(theme);
  // A dark box in a light page looks broken: what is embedded is as dark as what is round it.
  const scheme = isDarkGround(getComputedStyle(document.body).backgroundColor) ? "dark" : "light";
  root.classList.toggle("embedded", embedding !== undefined);
  root.append(page, overlay);
  shadow.append(root);
  const around = embedding === undefined ? undefined : ({ embedding, scheme } as const);
  const ground = { root, theme, clock, loadWords, first: { language, words }, around };
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
