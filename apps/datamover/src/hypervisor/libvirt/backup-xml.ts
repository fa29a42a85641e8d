import { attributeOf, childOf, childrenOf, escapeXml, parseXml } from "@cairn/libvirt";

/** A pull job over some of a domain's disks: libvirt makes the scratch files and serves the disks by NBD. */
export interface PullJob {
  readonly socket: string;
  /** Every disk of the domain: one that is left out would be backed up, too. */
  readonly disks: readonly { readonly device: string; readonly scratch: string | undefined }[];
}

/** The description of a pull job, as `virDomainBackupBegin` takes it. */
export function pullJobXml({ socket, disks }: PullJob): string {
  const described = disks.map(({ device, scratch }) => {
    const name = escapeXml(device);
    if (scratch === undefined) return `<disk name='${name}' backup='no'/>`;
    const file = `<driver type='qcow2'/><scratch file='${escapeXml(scratch)}'/>`;
    return `<disk name='${name}' backup='yes' type='file' backupmode='full'>${file}</disk>`;
  });
  const server = `<server transport='unix' socket='${escapeXml(socket)}'/>`;
  return `<domainbackup mode='pull'>${server}<disks>${described.join("")}</disks></domainbackup>`;
}

/** A job that runs, as libvirt describes it. */
export interface RunningJob {
  readonly socket: string | undefined;
  /** By device: N of the scratch node `libvirt-N-format`. */
  readonly indexes: ReadonlyMap<string, string>;
}

/** Reads libvirt's description of the job that a domain has. */
export function describeJob(document: string): RunningJob {
  const job = parseXml(document);
  const indexes = new Map<string, string>();
  for (const disk of childrenOf(childOf(job, "disks"), "disk")) {
    // libvirt 9.0 puts the index on the disk, its documentation on the scratch file.
    const index = attributeOf(disk, "index") ?? attributeOf(childOf(disk, "scratch"), "index");
    const name = attributeOf(disk, "name");
    if (index !== undefined && name !== undefined) indexes.set(name, index);
  }
  return { socket: attributeOf(childOf(job, "server"), "socket"), indexes };
}
