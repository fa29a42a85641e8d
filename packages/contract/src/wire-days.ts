/** The moment at which a day written `MM-DD-YYYY` begins, or one some days later; anything else stays. */
export function dayTime(text: unknown, daysLater: number): unknown {
  const [, month, day, year] = typeof text === "string" ? (/^(\d\d)-(\d\d)-(\d{4})$/.exec(text) ?? []) : [];
  if (month === undefined || day === undefined || year === undefined) return text;
  const ms = Date.parse(`${year}-${month}-${day}T00:00:00Z`);
  if (Number.isNaN(ms)) return text;
  return new Date(ms + daysLater * 86_400_000).toISOString().slice(0, 19);
}
