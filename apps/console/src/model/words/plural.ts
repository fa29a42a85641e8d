/** Numbers with their words, by the rules of a language that tells one from more. */
export function pluralOf(language: string): (n: number, one: string, other: string) => string {
  const rules = new Intl.PluralRules(language);
  const figures = new Intl.NumberFormat(language);
  return (n, one, other) => `${figures.format(n)} ${rules.select(n) === "one" ? one : other}`;
}
