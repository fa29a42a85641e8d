/** What somebody chose on this device; nothing of it is a secret. */
export type Preference = "theme" | "language";

const PREFIX = "cairn.";

/** What was chosen, null: nothing, or this browser keeps nothing. */
export function readPreference(name: Preference): string | null {
  try {
    return localStorage.getItem(PREFIX + name);
  } catch (cause) {
    if (cause instanceof DOMException) return null;
    throw cause;
  }
}

/** Keeps a choice, where the browser does. */
export function keepPreference(name: Preference, value: string): void {
  try {
    localStorage.setItem(PREFIX + name, value);
  } catch (cause) {
    // Without storage a choice lasts as long as the page: worse, and no reason to fail.
    if (!(cause instanceof DOMException)) throw cause;
  }
}
