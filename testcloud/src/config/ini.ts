/** What may stand behind a `=`; several values of one name are several lines (uWSGI's `add-header`). */
export type IniValue = string | number | boolean | readonly string[];
export type IniSection = Readonly<Record<string, IniValue>>;
export type Ini = Readonly<Record<string, IniSection>>;

/** A file of oslo.config, MariaDB, Ceph or uWSGI: sections in the order given, each `name = value`. */
export function renderIni(ini: Ini): string {
  return Object.entries(ini)
    .map(([section, values]) => `[${section}]\n${renderValues(values)}`)
    .join("\n");
}

/** The lines alone: RabbitMQ's file has no sections. */
export function renderValues(values: IniSection): string {
  return Object.entries(values)
    .flatMap(([name, value]) => (Array.isArray(value) ? value : [value]).map((one) => `${name} = ${one}\n`))
    .join("");
}
