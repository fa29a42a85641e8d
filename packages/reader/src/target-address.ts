import { resolve } from "node:path";
import { Rejection } from "@cairn/kernel";
import type { TargetAddress } from "@cairn/store";

/** Where secrets and settings of S3 come from: the variables that every S3 client reads. */
export type Variables = Readonly<Record<string, string | undefined>>;

const S3_FORM = "s3://BUCKET[/PREFIX]?endpoint=https://HOST[:PORT]";
const S3_PARAMETERS = ["endpoint", "region", "path_style"];

/**
 * A target as people write it: a directory, or
 * `s3://bucket/prefix?endpoint=…&region=…&path_style=yes|no`.
 * Keys of S3 come from AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, never from the address: command lines
 * are public. Rejections name what is missing.
 */
export function parseTarget(text: string, variables: Variables, workingDirectory: string): TargetAddress {
  if (text === "") throw refused(text, "The target is empty.", `Give a directory, or ${S3_FORM}.`);
  if (!/^[a-z0-9+.-]+:\/\//i.test(text)) {
    return { kind: "directory", path: resolve(workingDirectory, text) };
  }
  if (!text.startsWith("s3://") || !URL.canParse(text)) {
    throw refused(text, `The target ${text} is neither a directory nor s3://.`, `Use a path, or ${S3_FORM}.`);
  }
  return parseBucket(text, new URL(text), variables);
}

function parseBucket(text: string, url: URL, variables: Variables): TargetAddress {
  if (url.username !== "" || url.password !== "") {
    // The value is not repeated: it holds a secret.
    const remedy = "Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY instead.";
    throw refused("s3://…", "An S3 target must not carry its keys.", remedy);
  }
  const unknown = [...url.searchParams.keys()].find((name) => !S3_PARAMETERS.includes(name));
  if (unknown !== undefined) {
    const message = `The target has the parameter ${unknown}, which nobody knows.`;
    throw refused(text, message, `The parameters are ${S3_PARAMETERS.join(", ")}.`);
  }
  if (url.hostname === "") throw refused(text, "The target names no bucket.", `It looks like ${S3_FORM}.`);
  const path = url.pathname.replaceAll(/^\/+|\/+$/g, "");
  return {
    kind: "s3",
    endpoint: parseEndpoint(text, url.searchParams.get("endpoint") ?? filled(variables, "AWS_ENDPOINT_URL")),
    region: url.searchParams.get("region") ?? filled(variables, "AWS_REGION") ?? "us-east-1",
    bucket: url.hostname,
    prefix: path === "" ? "" : `${decodeURIComponent(path)}/`,
    accessKeyId: variable(text, variables, "AWS_ACCESS_KEY_ID"),
    secretAccessKey: variable(text, variables, "AWS_SECRET_ACCESS_KEY"),
    forcePathStyle: parsePathStyle(text, url.searchParams.get("path_style") ?? "yes"),
  };
}

function parseEndpoint(text: string, endpoint: string | undefined): string {
  if (endpoint === undefined) {
    throw refused(
      text,
      "The target names no endpoint.",
      `It looks like ${S3_FORM}; or set AWS_ENDPOINT_URL.`,
    );
  }
  const url = URL.canParse(endpoint) ? new URL(endpoint) : undefined;
  if (url !== undefined && ["http:", "https:"].includes(url.protocol) && url.pathname === "/") {
    return url.origin;
  }
  throw refused(
    endpoint,
    `The endpoint ${endpoint} is no address.`,
    "It looks like https://s3.example:7480.",
  );
}

function parsePathStyle(text: string, value: string): boolean {
  if (value === "yes" || value === "no") return value === "yes";
  throw refused(text, `path_style is ${value}.`, "Use path_style=yes or path_style=no.");
}

function variable(text: string, variables: Variables, name: string): string {
  const value = filled(variables, name);
  if (value !== undefined) return value;
  throw refused(text, `The variable ${name} is not set.`, `An S3 target needs it: export ${name}=…`);
}

function filled(variables: Variables, name: string): string | undefined {
  const value = variables[name];
  return value === "" ? undefined : value;
}

function refused(value: string, message: string, remedy: string): Rejection {
  return new Rejection(message, { status: 400, field: "--target", value, remedy });
}
