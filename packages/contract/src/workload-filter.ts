import { Type } from "typebox";
import { WorkloadStatus } from "./workloads.ts";

/** Which workloads a list is of, and how much of each. */
export const workloadFilter = {
  all_workloads: Type.Optional(Type.Boolean({ description: "of all projects; administrators only" })),
  detail: Type.Optional(Type.Boolean()),
  name: Type.Optional(
    Type.String({ minLength: 1, maxLength: 255, description: "part of the name, in any case" }),
  ),
  status: Type.Optional(WorkloadStatus),
};
