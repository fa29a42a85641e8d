import { ApiError, type Service } from "../http/answer.ts";
import { diskHooks } from "./disks.ts";
import { disturbanceHooks } from "./disturbance.ts";
import { inspectionHooks } from "./inspection.ts";

/**
 * What no real cloud has: looking into it and disturbing it, without a token. The server listens on
 * loopback.
 */
export const hooks: Service = {
  name: "sandbox",
  prefix: "/sandbox",
  routes: [...diskHooks, ...inspectionHooks, ...disturbanceHooks],
  negotiate: () => ({ minor: 0, headers: {} }),
  refusal: () => new ApiError(403, "refused"),
  render: (error) => ({ status: error.status, body: { error: error.message }, headers: error.headers }),
  requestIdHeaders: [],
};
