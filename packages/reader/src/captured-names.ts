/** What people want to know of a captured instance. The rest is in the commit's metadata as it is. */
export interface CapturedNames {
  readonly workloadName: string | undefined;
  readonly instances: readonly { readonly id: string; readonly name: string | undefined }[];
}

/**
 * The names in a commit's metadata. Whoever wrote the commit decides what is in there, so nothing is
 * required: what is not as the engine writes it has no name.
 */
export function capturedNames(metadata: unknown): CapturedNames {
  const fields = asFields(metadata);
  const instances = Array.isArray(fields["instances"]) ? (fields["instances"] as unknown[]) : [];
  return {
    workloadName: text(asFields(fields["workload"])["name"]),
    instances: instances.flatMap((instance) => {
      const { id, name } = asFields(instance);
      return typeof id === "string" ? [{ id, name: text(name) }] : [];
    }),
  };
}

function asFields(value: unknown): { readonly [name: string]: unknown } {
  return typeof value === "object" && value !== null && !Array.isArray(value)
    ? (value as Readonly<Record<string, unknown>>)
    : {};
}

function text(value: unknown): string | undefined {
  return typeof value === "string" ? value : undefined;
}
