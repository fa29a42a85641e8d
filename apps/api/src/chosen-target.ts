import {
  findDefaultTarget,
  listReadyTargets,
  listTargetTypes,
  listTypeProjects,
  type TargetTypeId,
  targetTypeNames,
  type WorkloadRow,
} from "@cairn/database";
import { chooseTargetType } from "@cairn/domain";
import { asId, type ProjectId, Rejection, type TargetId, unreachable } from "@cairn/kernel";
import type { World } from "./world.ts";

const FIELD = "workload.backup_target_types";
/** More types than an installation has. */
const TYPES_MAX = 10_000;

/**
 * The backup target of a new workload: of the type that it names, or the default. Undefined while there is
 * none. A Rejection names the types that the project may choose.
 */
export async function chosenTarget(
  world: World,
  projectId: ProjectId,
  named: string | null | undefined,
): Promise<{ readonly targetId: TargetId; readonly typeId: TargetTypeId } | undefined> {
  const { handle } = world.database;
  const wanted = named === null || named === "" ? undefined : named;
  const types = await listTargetTypes(handle, { projectId }, { limit: TYPES_MAX });
  const given = await listTypeProjects(
    handle,
    types.map(({ id }) => id),
  );
  const ready = new Set((await listReadyTargets(handle)).map(({ id }) => id));
  const standard = await findDefaultTarget(handle);
  const choice = chooseTargetType(
    // The oldest first: of the default's types it is the one that everybody knows.
    types.toReversed().map((type) => ({
      id: type.id,
      name: type.name,
      targetId: type.target_id,
      isPublic: type.is_public,
      projectIds: given.filter((each) => each.type_id === type.id).map((each) => each.project_id),
      isReady: ready.has(type.target_id),
    })),
    { projectId, wanted, defaultTargetId: standard?.id },
  );
  switch (choice.kind) {
    case "chosen":
      return { targetId: asId(choice.targetId), typeId: asId(choice.typeId) };
    case "later":
      return undefined;
    case "unknown":
      throw refusal(`The backup target type ${wanted ?? ""} could not be found.`, wanted, choice.names);
    case "default-hidden":
      throw refusal("The default backup target is not for this project.", wanted, choice.names);
    case "unready":
      throw new Rejection(`The backup target of type ${choice.name} is not ready.`, {
        status: 409,
        field: FIELD,
        value: wanted ?? null,
        remedy: "Wait until it is online, or choose another type.",
      });
    default:
      return unreachable(choice);
  }
}

/** Refuses to give a workload another target than it has; to name its own again is no change. */
export async function assertTargetKept(
  world: World,
  { target_type_id: typeId }: Pick<WorkloadRow, "target_type_id">,
  named: string | null | undefined,
): Promise<void> {
  if (named === undefined || named === null || named === "" || named === typeId) return;
  const names = await targetTypeNames(world.database.handle, typeId === null ? [] : [typeId]);
  if (typeId !== null && names.get(typeId) === named) return;
  throw new Rejection("A workload stays on its backup target.", {
    status: 400,
    field: FIELD,
    value: named,
    remedy: "Leave it out, or create another workload for new snapshots.",
  });
}

function refusal(message: string, value: string | undefined, names: readonly string[]): Rejection {
  const remedy = names.length === 0 ? "Ask an administrator for one." : `Choose of ${names.join(", ")}.`;
  return new Rejection(message, { status: 400, field: FIELD, value: value ?? null, remedy });
}
