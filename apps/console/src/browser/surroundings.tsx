import { createContext, useContext, useSyncExternalStore } from "react";
import type { Embedding } from "../model/embedding.ts";
import type { Formats } from "../model/formats.ts";
import { type Place, parsePlace } from "../model/place.ts";
import type { Session } from "../model/session.ts";
import type { LanguageTag } from "../model/words/choose.ts";
import type { Words } from "../model/words/english.ts";

/** The time, which goes on while a page is looked at. */
export interface Clock {
  /** Milliseconds since 1970; changes every few seconds. */
  readonly now: () => number;
  readonly onTick: (listener: () => void) => () => void;
}

export type Theme = "auto" | "light" | "dark";

/** What every part of the page may want to know. */
export interface Surroundings {
  readonly words: Words;
  readonly formats: Formats;
  readonly clock: Clock;
  readonly theme: Theme;
  readonly language: LanguageTag;
  /** The page around the console; undefined: it stands alone, with a head and sessions of its own. */
  readonly embedding: Embedding | undefined;
  readonly choose: (choice: { readonly theme?: Theme; readonly language?: LanguageTag }) => void;
}

export const SurroundingsContext = createContext<Surroundings | undefined>(undefined);
export const SessionContext = createContext<Session | undefined>(undefined);

export function useSurroundings(): Surroundings {
  const found = useContext(SurroundingsContext);
  if (found === undefined) throw new Error("bug: a part of the page is outside of its surroundings");
  return found;
}

export function useWords(): Words {
  return useSurroundings().words;
}

export function useFormats(): Formats {
  return useSurroundings().formats;
}

/** Who is signed in. Only for what is shown to nobody else. */
export function useSession(): Session {
  const found = useContext(SessionContext);
  if (found === undefined) throw new Error("bug: a page is shown without a session");
  return found;
}

/** The time; whoever uses it is drawn again every few seconds. */
export function useNow(): number {
  const { clock } = useSurroundings();
  return useSyncExternalStore(clock.onTick, clock.now);
}

/** Where the address leads. */
export function usePlace(): Place {
  return parsePlace(useSyncExternalStore(onFragment, () => location.hash));
}

function onFragment(listener: () => void): () => void {
  addEventListener("hashchange", listener);
  return () => removeEventListener("hashchange", listener);
}
