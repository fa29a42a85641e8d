/** What went wrong with a request, as far as a person must know it. */
export type FailureKind =
  /** Nobody is signed in any more. */
  | "signed-out"
  | "forbidden"
  /** It is not there, or not in this project. */
  | "absent"
  /** Something else holds it. */
  | "conflict"
  /** The input is wrong. */
  | "refused"
  /** No answer came: no network, or no server. */
  | "offline"
  /** A server failed. */
  | "broken";

/** A request that failed. The message is a sentence for a person. */
export class ApiFailure extends Error {
  readonly kind: FailureKind;
  /** What to do about it, in the server's words. */
  readonly remedy: string | undefined;
  readonly field: string | undefined;
  /** Under which the server's log has it. */
  readonly requestId: string | undefined;

  constructor(
    kind: FailureKind,
    message: string,
    details: {
      readonly remedy?: unknown;
      readonly field?: unknown;
      readonly requestId?: string | undefined;
    } = {},
  ) {
    super(message);
    this.name = "ApiFailure";
    this.kind = kind;
    this.remedy = typeof details.remedy === "string" ? details.remedy : undefined;
    this.field = typeof details.field === "string" ? details.field : undefined;
    this.requestId = details.requestId;
  }
}

/** The failure that an answer tells of, by its status and the API's body: one key, with the detail in it. */
export function failureOf(status: number, body: unknown, requestId: string | undefined): ApiFailure {
  const detail = detailOf(body);
  const message = typeof detail["message"] === "string" ? detail["message"] : `HTTP ${String(status)}`;
  return new ApiFailure(kindOf(status), message, {
    remedy: detail["remedy"],
    field: detail["field"],
    requestId,
  });
}

function kindOf(status: number): FailureKind {
  if (status >= 500) return "broken";
  switch (status) {
    case 401:
      return "signed-out";
    case 403:
      return "forbidden";
    case 404:
      return "absent";
    case 409:
      return "conflict";
    default:
      return "refused";
  }
}

function detailOf(body: unknown): Readonly<Record<string, unknown>> {
  if (typeof body !== "object" || body === null) return {};
  const [detail] = Object.values(body) as unknown[];
  return typeof detail === "object" && detail !== null ? (detail as Record<string, unknown>) : {};
}
