import { Rejection } from "@cairn/kernel";

/** The refusal for a backup target that is not there. Only administrators see it. */
export function noTarget(field: string, id: string, status: 400 | 404 = 404): Rejection {
  return new Rejection(`Backup target ${id} could not be found.`, {
    status,
    field,
    value: id,
    remedy: "GET /backup_targets lists the backup targets.",
  });
}

/** The refusal for a type that does not exist, or is not for this project: nobody can tell which. */
export function noTargetType(id: string): Rejection {
  return new Rejection(`Backup target type ${id} could not be found.`, {
    status: 404,
    field: "backup_target_type_id",
    value: id,
    remedy: "GET /backup_target_types lists the types for this project.",
  });
}

/** Types are named once in the whole installation. */
export function typeNameTaken(field: string, name: string): Rejection {
  return new Rejection(`A backup target type is called ${name} already.`, {
    status: 409,
    field,
    value: name,
    remedy: "Choose another name.",
  });
}
