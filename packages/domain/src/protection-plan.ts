/** A tag, or a key of the metadata (with any value, or with this one), that instances are protected by. */
export type ProtectionMark =
  | { readonly kind: "tag"; readonly tag: string }
  | { readonly kind: "metadata"; readonly key: string; readonly value?: string | undefined };

/** An instance of the project, as far as rules look at it. */
export interface MarkedInstance {
  readonly id: string;
  readonly name: string;
  readonly tags: readonly string[];
  readonly metadata: Readonly<Record<string, string>>;
  readonly volumeCount: number;
  /** Cinder says that a volume of it is encrypted: only an encrypted workload may have it. */
  readonly hasEncryptedVolume?: boolean;
}

export interface ProtectionQuestion {
  readonly mark: ProtectionMark;
  /** All instances of the project that exist. */
  readonly instances: readonly MarkedInstance[];
  /** Members of the rule's workload now. */
  readonly members: readonly string[];
  /** Those of them that this rule has added. */
  readonly addedByRule: readonly string[];
  /** Members of other workloads: an instance is in one only. */
  readonly elsewhere: readonly string[];
  readonly membersMax: number;
  /** The rule's workload is encrypted with a secret of its tenant's. */
  readonly isEncrypted?: boolean;
}

export interface ProtectionPlan {
  readonly add: readonly MarkedInstance[];
  readonly remove: readonly string[];
  /** What stays as it is although the rule says otherwise, and why. */
  readonly notes: readonly string[];
}

/**
 * What a rule changes about its workload: instances that have the mark join, those that the rule has added
 * leave when they have it no more, or are gone. Who was added by hand stays. The last member stays, too: a
 * workload without any could take no snapshot.
 */
export function planProtection(question: ProtectionQuestion): ProtectionPlan {
  const { members, addedByRule, elsewhere, membersMax, isEncrypted = false } = question;
  const marked = question.instances.filter((instance) => hasMark(instance, question.mark));
  const leaving = addedByRule.filter(
    (id) => members.includes(id) && marked.every((instance) => instance.id !== id),
  );
  const joining = marked.filter((instance) => !members.includes(instance.id));
  const mayJoin = ({ hasEncryptedVolume = false }: MarkedInstance): boolean =>
    isEncrypted || !hasEncryptedVolume;
  const free = joining.filter((instance) => !elsewhere.includes(instance.id) && mayJoin(instance));
  const room = Math.max(0, membersMax - (members.length - leaving.length));
  const add = free.toSorted((one, other) => (one.id < other.id ? -1 : 1)).slice(0, room);
  const isEmptied = members.length > 0 && add.length === 0 && leaving.length === members.length;
  const taken = joining.filter((instance) => elsewhere.includes(instance.id));
  return {
    add,
    remove: isEmptied ? leaving.slice(1) : leaving,
    notes: [
      ...taken.map(({ name, id }) => `instance ${name} (${id}) is in another workload`),
      ...joining
        .filter((instance) => !taken.includes(instance) && !mayJoin(instance))
        .map(({ id }) => `Unencrypted workload cannot have instance: ${id} with encrypted Volume`),
      ...(free.length > room ? [`${free.length - room} more than ${membersMax} members have the mark`] : []),
      ...(isEmptied ? ["no instance has the mark any more; the last member stays"] : []),
    ],
  };
}

function hasMark({ tags, metadata }: MarkedInstance, mark: ProtectionMark): boolean {
  if (mark.kind === "tag") return tags.includes(mark.tag);
  const value = Object.hasOwn(metadata, mark.key) ? metadata[mark.key] : undefined;
  return value !== undefined && (mark.value === undefined || mark.value === value);
}
