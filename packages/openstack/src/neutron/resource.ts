/** What can be done with every kind of thing in Neutron. */
export interface NeutronResource<Thing, Filter, Creation, Change> {
  list(filter?: Filter, signal?: AbortSignal): Promise<readonly Thing[]>;
  find(id: string, signal?: AbortSignal): Promise<Thing | undefined>;
  get(id: string, signal?: AbortSignal): Promise<Thing>;
  create(fields: Creation, signal?: AbortSignal): Promise<Thing>;
  update(id: string, change: Change, signal?: AbortSignal): Promise<Thing>;
  /** Absent is deleted; 409 while something uses it. */
  delete(id: string, signal?: AbortSignal): Promise<void>;
}
