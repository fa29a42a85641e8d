import type { Settings } from "../settings.ts";
import { cephFiles } from "./ceph.ts";
import { cinderFiles } from "./cinder.ts";
import { clientFiles } from "./clients.ts";
import type { ConfigFile } from "./file.ts";
import { horizonFiles } from "./horizon.ts";
import { identityAndImageFiles } from "./identity-image.ts";
import { infrastructureFiles } from "./infrastructure.ts";
import { neutronFiles } from "./neutron.ts";
import { novaFiles } from "./nova.ts";

/** Every file that `up` writes, as values. */
export function configFiles(settings: Settings): ConfigFile[] {
  return [
    ...infrastructureFiles(settings),
    ...identityAndImageFiles(settings),
    ...neutronFiles(settings),
    ...novaFiles(settings),
    ...cinderFiles(settings),
    ...(settings.profile === "full" ? [...cephFiles(settings), ...horizonFiles(settings)] : []),
    ...clientFiles(settings),
  ];
}
