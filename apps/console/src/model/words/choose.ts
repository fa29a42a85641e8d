/** The languages of the console, by their tags (BCP 47). */
export const LANGUAGES = { en: "English", de: "Deutsch" } as const;
export type LanguageTag = keyof typeof LANGUAGES;

/** The language to begin with: what was chosen before, else the first of the browser's that there is. */
export function chooseLanguage(chosen: string | null, wanted: readonly string[]): LanguageTag {
  const tags = [chosen ?? "", ...wanted].map((tag) => tag.split("-")[0]?.toLowerCase() ?? "");
  return tags.find(isLanguage) ?? "en";
}

/** The browser's own form of a language, such as `en-GB`: it says how days and hours are written. */
export function regionOf(language: LanguageTag, wanted: readonly string[]): string {
  return wanted.find((tag) => tag.split("-")[0]?.toLowerCase() === language) ?? language;
}

/** Whether the console has this language. */
export function isLanguage(tag: string): tag is LanguageTag {
  return Object.hasOwn(LANGUAGES, tag);
}
