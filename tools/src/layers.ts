/**
 * Who may import whom: the table of ARCHITECTURE.md section 2 as data (a test compares the two). Names are
 * folders; what may be imported is named without `packages/`.
 */
export const LAYERS: Readonly<Record<string, readonly string[]>> = {
  "packages/kernel": [],
  "packages/domain": ["kernel"],
  "packages/contract": ["kernel", "domain"],
  "packages/store": ["kernel"],
  "packages/nbd": ["kernel"],
  "packages/qmp": ["kernel"],
  "packages/libvirt": ["kernel"],
  "packages/openstack": ["kernel"],
  "packages/service": ["kernel"],
  "packages/notify": ["kernel"],
  "packages/sdk": ["kernel", "contract", "openstack"],
  "packages/repository": ["kernel", "store"],
  "packages/transfer": ["kernel", "store", "repository"],
  "packages/maintenance": ["kernel", "store", "repository"],
  "packages/reader": ["kernel", "nbd", "store", "repository", "transfer", "maintenance"],
  "packages/files": ["kernel", "domain", "nbd", "store", "repository", "transfer"],
  "packages/database": ["kernel", "domain"],
  "packages/flows": [
    "kernel",
    "domain",
    "contract",
    "openstack",
    "repository",
    "maintenance",
    "store",
    "database",
    "notify",
  ],
  "apps/api": ["kernel", "domain", "contract", "database", "openstack", "service"],
  "apps/engine": [
    "kernel",
    "domain",
    "contract",
    "database",
    "files",
    "flows",
    "notify",
    "openstack",
    "repository",
    "maintenance",
    "store",
    "service",
  ],
  "apps/datamover-api": ["kernel", "domain", "contract", "database", "repository", "store", "service"],
  "apps/datamover": [
    "kernel",
    "contract",
    "nbd",
    "qmp",
    "libvirt",
    "repository",
    "store",
    "transfer",
    "service",
  ],
  "apps/cli": ["kernel", "domain", "contract", "openstack", "sdk", "reader"],
  "apps/sandbox": ["kernel", "qmp", "service"],
  "packages/embedded": ["kernel", "libvirt", "database", "openstack"],
  "apps/embedded": ["kernel", "contract", "embedded", "openstack"],
  tools: ["database"],
  bench: [
    "kernel",
    "domain",
    "contract",
    "embedded",
    "maintenance",
    "nbd",
    "openstack",
    "qmp",
    "reader",
    "repository",
    "store",
    "transfer",
  ],
  simulate: ["kernel", "store", "repository", "transfer", "maintenance"],
  testcloud: ["kernel"],
  test: [
    "kernel",
    "contract",
    "database",
    "embedded",
    "maintenance",
    "nbd",
    "notify",
    "openstack",
    "reader",
    "repository",
    "store",
    "transfer",
  ],
};

/**
 * Third-party packages and the rooms that may import them. A package that is not here may be imported
 * nowhere.
 */
export const THIRD_PARTY: Readonly<Record<string, readonly string[]>> = {
  "@aws-sdk/client-s3": ["packages/store"],
  "@smithy/node-http-handler": ["packages/store"],
  amqplib: ["apps/engine"],
  commander: ["apps/cli"],
  "fast-check": ["packages/domain", "packages/maintenance", "packages/nbd", "packages/repository"],
  fastify: ["packages/service", "apps/api", "apps/datamover-api", "apps/sandbox"],
  kysely: ["packages/database"],
  nodemailer: ["packages/notify"],
  "oxc-parser": ["tools"],
  pg: ["packages/database", "bench"],
  "pg-boss": ["packages/database"],
  pino: ["packages/service"],
  typebox: ["packages/contract"],
  yaml: ["apps/api", "apps/cli", "test"],
};

/** Files that compute only: no I/O, no clock. They may import these of Node's modules, which are pure. */
export const PURE = {
  files: [/^packages\/domain\/src\//, /(?:^|\/)codec\.ts$/],
  nodeModules: ["node:buffer", "node:crypto", "node:assert/strict"],
} as const;

/** A check that saw fewer modules than this looked at the wrong place. */
export const MODULES_MIN = 400;
