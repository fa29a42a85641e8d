/** A directory of a local file system or of an NFS mount. */
export interface DirectoryAddress {
  readonly kind: "directory";
  readonly path: string;
  /** What its marker says since it was registered. A directory with another one, or none, is not mounted. */
  readonly marker?: string;
}

/** A bucket of an S3 service, and what it takes to use it. Holds a secret: never log it, never list it. */
export interface S3Address {
  readonly kind: "s3";
  /** `https://host[:port]`, without a path. */
  readonly endpoint: string;
  readonly region: string;
  readonly bucket: string;
  /** What the names of all objects begin with in the bucket: empty, or a path that ends in `/`. */
  readonly prefix: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  /** `https://host/bucket/key` instead of `https://bucket.host/key`: what most look-alikes need. */
  readonly forcePathStyle: boolean;
  /**
   * `false` when the probe found that the service ignores `If-None-Match: *` (Ceph 16 does in buckets with
   * versions): then small objects are looked for before they are stored.
   */
  readonly conditional?: boolean;
  /**
   * Lock every object for `windowMs` after it was stored. The bucket must have been made with object lock.
   */
  readonly lock?: { readonly mode: "governance" | "compliance"; readonly windowMs: number };
}

/** Where a backup target is and how it is opened. */
export type TargetAddress = DirectoryAddress | S3Address;
