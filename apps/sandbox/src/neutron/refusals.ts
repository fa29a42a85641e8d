import { ApiError } from "../http/answer.ts";

/** Neutron's exceptions, with their types and texts (neutron-lib `exceptions`). */
export const notFound = {
  network: (id: string) => new ApiError(404, `Network ${id} could not be found.`, "NetworkNotFound"),
  subnet: (id: string) => new ApiError(404, `Subnet ${id} could not be found.`, "SubnetNotFound"),
  port: (id: string) => new ApiError(404, `Port ${id} could not be found.`, "PortNotFound"),
  router: (id: string) => new ApiError(404, `Router ${id} could not be found`, "RouterNotFound"),
  securityGroup: (id: string) =>
    new ApiError(404, `Security group ${id} does not exist`, "SecurityGroupNotFound"),
  rule: (id: string) =>
    new ApiError(404, `Security group rule ${id} does not exist`, "SecurityGroupRuleNotFound"),
  floatingIp: (id: string) => new ApiError(404, `Floating IP ${id} could not be found`, "FloatingIPNotFound"),
};

export const conflict = (type: string, message: string): ApiError => new ApiError(409, message, type);

export const invalidInput = (reason: string): ApiError =>
  new ApiError(400, `Invalid input for operation: ${reason}.`, "InvalidInput");

export const badRequest = (message: string): ApiError => new ApiError(400, message, "HTTPBadRequest");

export const disallowed = (rule: string): ApiError =>
  new ApiError(403, `rule:${rule} is disallowed by policy`, "PolicyNotAuthorized");
