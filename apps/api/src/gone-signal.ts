import type { FastifyReply } from "fastify";

/** Aborted when the client goes away before its answer is whole. */
export function goneSignal(reply: FastifyReply): AbortSignal {
  const gone = new AbortController();
  // It closes after each answer, too; then there is nothing to abort.
  reply.raw.once("close", () => {
    if (!reply.raw.writableFinished) gone.abort();
  });
  return gone.signal;
}
