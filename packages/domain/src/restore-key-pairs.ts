import type { CapturedKeyPair } from "./captured.ts";
import type { NewInstance } from "./restore-new-instance.ts";
import type { RestoreObservation } from "./restore-observation.ts";
import type { ImportKeyPairStep } from "./restore-steps.ts";
import type { PlannedStep } from "./run.ts";

/** The name to give to Nova; null when the key pair cannot be had, so that Nova would refuse it. */
export function keyNameOf(observed: RestoreObservation, keyPair: CapturedKeyPair | null): string | null {
  if (keyPair === null) return null;
  return keyPair.publicKey !== null || findToday(observed, keyPair) !== undefined ? keyPair.name : null;
}

/** A key pair that Nova has lost together with its public key is left out: the guest has it on its disk. */
export function keyPairSteps(observed: RestoreObservation, instances: readonly NewInstance[]): PlannedStep[] {
  const missing = new Map<string, ImportKeyPairStep>();
  for (const { captured } of instances) {
    const { keyPair } = captured;
    if (keyPair === null || findToday(observed, keyPair) !== undefined) continue;
    if (keyPair.publicKey === null || missing.has(keyPair.name)) continue;
    missing.set(keyPair.name, { name: keyPair.name, publicKey: keyPair.publicKey, type: keyPair.type });
  }
  return [...missing.values()].map((parameters, index) => ({
    key: `key-pair-${index + 1}`,
    kind: "import-key-pair",
    parameters,
  }));
}

/**
 * Key pairs belong to users, and Nova looks for an instance's among those of who makes it. What is on the
 * guest's disk does not change by it; what the metadata service tells the guest does.
 */
export function keyPairWarnings(observed: RestoreObservation, instances: readonly NewInstance[]): string[] {
  const sentences = instances.flatMap(({ captured, name }) => {
    const { keyPair } = captured;
    return keyPair === null ? [] : warningOf(observed, keyPair, name);
  });
  return [...new Set(sentences)];
}

function warningOf(observed: RestoreObservation, keyPair: CapturedKeyPair, instanceName: string): string[] {
  const today = findToday(observed, keyPair);
  const which = `Key pair ${keyPair.name} of instance ${instanceName}`;
  if (today === undefined && keyPair.publicKey === null) {
    return [`${which} is gone and its public key is not known; Nova shows none for the instance`];
  }
  if (today !== undefined && keyPair.publicKey !== null && !isSameKey(today.publicKey, keyPair.publicKey)) {
    return [`${which} has another public key today; the guest's disk has the one of the snapshot`];
  }
  if (keyPair.userId === undefined || keyPair.userId === observed.userId) return [];
  const what = today === undefined ? "it was imported for" : "it is now the one of the same name of";
  return [`${which} belonged to user ${keyPair.userId}; ${what} user ${observed.userId}, who restores`];
}

function findToday(observed: RestoreObservation, keyPair: CapturedKeyPair) {
  return observed.keyPairs.find((each) => each.name === keyPair.name);
}

/** The comment at the end of a key is nobody's business. */
function isSameKey(left: string, right: string): boolean {
  const bare = (key: string): string => key.trim().split(/\s+/).slice(0, 2).join(" ");
  return bare(left) === bare(right);
}
