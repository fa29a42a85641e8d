import type { QmpClient } from "@cairn/qmp";

/** Whatever carries a command to a QEMU: its monitor's socket, or libvirt on our behalf. */
export type Monitor = Pick<QmpClient, "execute">;
