import type { ConfiguredTarget } from "@cairn/flows";
import { Fault, Rejection } from "@cairn/kernel";
import { path, readPrivateFile } from "@cairn/service";

/** `[target]` of programs that use the default backup target: one of the two. */
export const targetSettings = {
  defaultPath: path({ default: "", help: "directory of the default backup target" }),
  bucketFile: path({
    default: "",
    help: "file (mode 600) with the default target's bucket: docs/targets.md",
  }),
};

const DAY_MS = 86_400_000;

/** The default target as it is configured. Rejections name the field of the file, and never a secret. */
export async function readTarget(settings: {
  readonly defaultPath: string;
  readonly bucketFile: string;
}): Promise<ConfiguredTarget> {
  const { defaultPath, bucketFile } = settings;
  if ((defaultPath === "") === (bucketFile === "")) {
    const remedy = "set either target.default_path or target.bucket_file";
    throw new Rejection("the default target is a directory or a bucket", { status: 400, remedy });
  }
  if (bucketFile === "") return { target: { kind: "directory", path: defaultPath } };
  return parseBucketFile(bucketFile, await readPrivateFile(bucketFile));
}

const FIELDS = [
  "endpoint",
  "region",
  "bucket",
  "prefix",
  "accessKeyId",
  "secretAccessKey",
  "forcePathStyle",
  "lock",
  "mover",
];

function parseBucketFile(file: string, text: string): ConfiguredTarget {
  const parsed = parseObject(file, text);
  const unknown = Object.keys(parsed).find((field) => !FIELDS.includes(field));
  if (unknown !== undefined) refuse(file, unknown, `is not a field; the fields are ${FIELDS.join(", ")}`);
  const string = (of: Readonly<Record<string, unknown>>, field: string, otherwise?: string): string => {
    const value = of[field] ?? otherwise;
    return typeof value === "string" ? value : refuse(file, field, "must be a text");
  };
  const forcePathStyle = parsed["forcePathStyle"] ?? true;
  if (typeof forcePathStyle !== "boolean") refuse(file, "forcePathStyle", "must be true or false");
  const { lock, mover } = parsed;
  if (mover !== undefined && !isRecord(mover)) refuse(file, "mover", "must be an object");
  return {
    target: {
      kind: "s3",
      endpoint: string(parsed, "endpoint"),
      region: string(parsed, "region", "us-east-1"),
      bucket: string(parsed, "bucket"),
      prefix: string(parsed, "prefix", ""),
      accessKeyId: string(parsed, "accessKeyId"),
      secretAccessKey: string(parsed, "secretAccessKey"),
      forcePathStyle,
      ...(lock !== undefined && { lock: parseLock(file, lock) }),
    },
    ...(mover !== undefined && {
      mover: {
        accessKeyId: string(mover, "accessKeyId"),
        secretAccessKey: string(mover, "secretAccessKey"),
      },
    }),
  };
}

function parseLock(file: string, lock: unknown): { mode: "governance" | "compliance"; windowMs: number } {
  const { mode, windowDays } = isRecord(lock) ? lock : {};
  if (mode !== "governance" && mode !== "compliance") {
    refuse(file, "lock.mode", "must be governance or compliance");
  }
  if (typeof windowDays !== "number" || !(windowDays > 0)) {
    refuse(file, "lock.windowDays", "must be a number of days");
  }
  return { mode, windowMs: Math.round(windowDays * DAY_MS) };
}

function parseObject(file: string, text: string): Readonly<Record<string, unknown>> {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    // The cause would show a piece of the file, and there is a secret in it.
    throw new Fault("target-file", `reading the bucket file ${file}: it is no JSON`, "after-operator");
  }
  return isRecord(parsed) ? parsed : refuse(file, "", "must be a JSON object");
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function refuse(file: string, field: string, what: string): never {
  throw new Rejection(`the bucket file ${file}: ${field} ${what}`, {
    status: 400,
    field,
    remedy: "docs/targets.md has an example",
  });
}
