import type { KeyPolicy } from "@cairn/flows";
import { Rejection } from "@cairn/kernel";
import { parseEscrowPublic } from "@cairn/repository";

/** The settings `[engine]` as flows need them. Rejection when nothing is said about an escrow. */
export function keyPolicyOf(settings: {
  readonly escrowPublicKey: string;
  readonly withoutEscrow: boolean;
  readonly barbicanKeys: boolean;
}): KeyPolicy {
  const { escrowPublicKey, withoutEscrow, barbicanKeys: barbican } = settings;
  if (escrowPublicKey !== "") {
    return { escrowPublicKey: parseEscrowPublic(escrowPublicKey), withoutEscrow, barbican };
  }
  if (withoutEscrow) return { withoutEscrow, barbican };
  throw new Rejection("engine.escrow_public_key is not set, and nothing says that there shall be no escrow", {
    status: 400,
    field: "engine.escrow_public_key",
    remedy: "run `cairn repo key escrow-create` and set what it prints, or set engine.without_escrow = true",
  });
}
