import { Fault } from "@cairn/kernel";

/**
 * How a call goes wrong: `refused` has no effect, `lost` had its effect and gives no answer, `cancelled` is
 * the user's wish to stop while it waits, `crash` ends the process after the effect.
 */
export type Mishap = "refused" | "lost" | "cancelled" | "crash";

/** The process died: whoever takes up the run begins the same step anew. */
export class Crash extends Error {}

/** Counts calls to the world, and lets one of them go wrong. */
export class Meter {
  calls = 0;
  #isCounting = false;
  readonly #mishap: { readonly at: number; readonly kind: Mishap } | undefined;
  readonly #controller: AbortController;

  constructor(controller: AbortController, mishap?: { readonly at: number; readonly kind: Mishap }) {
    this.#controller = controller;
    this.#mishap = mishap;
  }

  set isCounting(value: boolean) {
    this.#isCounting = value;
  }

  async call<Result>(name: string, work: () => Promise<Result>): Promise<Result> {
    if (!this.#isCounting) return work();
    this.calls += 1;
    if (this.calls !== this.#mishap?.at) return work();
    switch (this.#mishap.kind) {
      case "refused":
        throw new Fault("injected", `calling ${name}, which was refused`, "never");
      case "cancelled":
        this.#controller.abort(new Error("the run was cancelled"));
        throw this.#controller.signal.reason;
      case "lost":
        await work();
        throw new Fault("injected", `calling ${name}, whose answer was lost`, "later");
      case "crash":
        await work();
        throw new Crash(name);
      default:
        return this.#mishap.kind satisfies never;
    }
  }
}

/** The same API with every call counted, however deep its functions lie. */
export function metered<Api extends object>(api: Api, meter: Meter, path = ""): Api {
  return new Proxy(api, {
    get: (target, name) => {
      const value: unknown = Reflect.get(target, name);
      const at = `${path}.${String(name)}`;
      if (typeof value === "function") {
        return async (...given: unknown[]) =>
          meter.call(at, async () => Reflect.apply(value, target, given) as Promise<unknown>);
      }
      return typeof value === "object" && value !== null ? metered(value, meter, at) : value;
    },
  });
}
