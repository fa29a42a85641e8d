/** How long a wait may last, and who may end it. */
export interface WaitLimit {
  readonly withinMs: number;
  readonly signal?: AbortSignal | undefined;
}
