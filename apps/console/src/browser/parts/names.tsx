import { hrefOfWorkload } from "../../model/place.ts";
import { useRead } from "../reading.ts";
import { useSession, useWords } from "../surroundings.tsx";

/** The projects of the cloud by their ids; undefined while they are read. */
export function useProjectNames(): ReadonlyMap<string, string> | undefined {
  const { data } = useRead("GET /workloads/metrics/projects", {});
  return data === undefined ? undefined : new Map(data.projects.map(({ id, name }) => [id, name]));
}

/** The name of a project of the cloud. */
export function ProjectName({ id }: { readonly id: string | null }) {
  const { operator } = useWords();
  const names = useProjectNames();
  if (id === null) return operator.noProject;
  if (names === undefined) return "…";
  const name = names.get(id);
  if (name === undefined) return <span title={id}>{operator.projectGone}</span>;
  return (
    <span translate="no" title={id}>
      {name}
    </span>
  );
}

/** The name of a workload of any project; it leads to its page where that is in the project one is in. */
export function WorkloadName({
  id,
  name,
  projectId,
}: {
  readonly id: string;
  readonly name: string;
  readonly projectId: string;
}) {
  const { project } = useSession();
  if (projectId !== project.id) return <span translate="no">{name}</span>;
  return (
    <a href={hrefOfWorkload(id)} translate="no">
      {name}
    </a>
  );
}
