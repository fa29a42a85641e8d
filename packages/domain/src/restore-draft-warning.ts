/** What of a drafted restore a person looks at, or changes, because of a warning. */
export type DraftField =
  | "instance"
  | "flavor"
  | "availability_zone"
  | "network"
  | "volume_type"
  | "volume"
  | "topology";

/** A sentence about one thing of a draft. */
export interface DraftWarning {
  readonly field: DraftField;
  /**
   * Of the instance for `instance`, `flavor` and `availability_zone`; of the captured network or volume; the
   * captured type's name for `volume_type`; empty for `topology`.
   */
  readonly id: string;
  readonly sentence: string;
}

/** Takes note of a warning; one that was given before is not noted again. */
export type Warn = (warning: DraftWarning) => void;

/** Collects warnings in their order, each sentence once. */
export function collectWarnings(): { readonly warn: Warn; readonly all: () => DraftWarning[] } {
  const noted = new Map<string, DraftWarning>();
  return {
    warn: (warning) => {
      if (!noted.has(warning.sentence)) noted.set(warning.sentence, warning);
    },
    all: () => [...noted.values()],
  };
}
