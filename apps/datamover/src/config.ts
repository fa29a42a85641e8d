import { boolean, choice, integer, optional, path, text } from "@cairn/service";

/** Settings of cairn-datamover: `[datamover]` and the address of `[datamover_api]`. */
export const datamoverSpec = {
  datamover: {
    host: text({ help: "name of this compute node as Nova knows it" }),
    tokenFile: path({ help: "file with this host's token for the datamover API" }),
    scratchDir: path({ help: "folder for what guests overwrite while they are read, and for sockets" }),
    hypervisor: choice(["qemu-folder", "libvirt"], {
      default: "qemu-folder",
      help: "what runs this host's instances: the sandbox's QEMU processes, or libvirt",
    }),
    sandboxDir: optional(path({ help: "qemu-folder: folder of the sandbox cloud" })),
    libvirtSocket: path({
      default: "/run/libvirt/libvirt-sock",
      help: "libvirt: socket of libvirtd, or of virtqemud",
    }),
    libvirtUri: text({ default: "qemu:///system", help: "libvirt: its driver" }),
    rbdChanges: choice(["bitmap", "fast-diff"], {
      default: "bitmap",
      help: "libvirt: what tells the changes of disks in Ceph: bitmaps, or a snapshot left on each image",
    }),
    attachmentsDir: path({
      default: "/var/lib/nova/mnt",
      help: "libvirt: folder below which shares with volumes are mounted: Nova's nfs_mount_point_base",
    }),
    osBrick: choice(["host", "none"], {
      default: "host",
      help: "who attaches volumes that are neither in Ceph nor on NFS: this host's os-brick, or nobody",
    }),
    osBrickPython: path({ default: "/usr/bin/python3", help: "a Python that has os-brick, such as Nova's" }),
    osBrickRootHelper: text({
      default: "sudo",
      help: "os-brick: what makes its commands root's where the datamover is not, as Nova's root helper",
    }),
    osBrickMultipath: boolean({
      default: false,
      help: "os-brick: use all paths to a volume, as Nova's volume_use_multipath",
    }),
    osBrickLockDir: path({
      default: "/var/lock/nova",
      help: "os-brick: Nova's lock_path, so that the two do not log in to one portal at once",
    }),
    osBrickIp: optional(
      text({ help: "os-brick: this host's address as storage sees it; else its first one" }),
    ),
    ordersMax: integer({ min: 1, max: 64, default: 16, help: "orders in hand at once" }),
    scratchPercent: integer({
      min: 0,
      max: 100,
      default: 20,
      help: "share of an instance's data for which scratch_dir must have room",
    }),
    scratchReserveMib: integer({
      min: 0,
      max: 1_000_000,
      default: 256,
      help: "MiB of scratch_dir that stay free: below it running points are given up",
    }),
    scratchBudgetMib: integer({
      min: 0,
      max: 100_000_000,
      default: 0,
      help: "MiB of scratch_dir that one instance may use before its point is given up; 0: no limit",
    }),
    guardIntervalMs: integer({
      min: 50,
      max: 500,
      default: 250,
      help: "how often the guard looks at scratch_dir while points are open",
    }),
    guardSilenceMs: integer({
      min: 1_000,
      max: 60_000,
      default: 10_000,
      help: "after so long without a word from the datamover its guard gives its points up",
    }),
  },
  datamoverApi: {
    url: text({ default: "http://127.0.0.1:8784", help: "address of cairn-datamover-api" }),
  },
} as const;
