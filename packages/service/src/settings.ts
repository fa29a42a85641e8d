import { boolean, choice, path, secret, text } from "./config-fields.ts";

/** `[database]`. The address is a secret as a whole: it may carry a password. */
export const databaseSettings = {
  url: secret({ help: "postgres://… of the service's database" }),
};

/** `[keystone]`: where the cloud is, and the service user that Cairn is there. */
export const keystoneSettings = {
  authUrl: text({ help: "Keystone, with /v3" }),
  username: text({ help: "the service user" }),
  password: secret({ help: "its password" }),
  projectName: text({ default: "service", help: "the service user's project" }),
  domain: text({ default: "Default", help: "domain of the service user and its project" }),
  region: text({ default: "RegionOne" }),
  interface: choice(["public", "internal", "admin"], {
    default: "internal",
    help: "which endpoints of the catalogue are used",
  }),
  caFile: path({ default: "", help: "certificates of further authorities that the cloud's are signed by" }),
  insecure: boolean({ default: false, help: "takes any certificate for the cloud's: for tests only" }),
};

/** `[keys]`. */
export const keySettings = {
  keyFile: path({ help: "file with the base64 of the 32 bytes that wrap repositories' keys" }),
};
