import { readFileSync } from "node:fs";

/** Where something is mounted, the latest last; blanks and their kind are written as octal (proc(5)). */
export function parseMountPoints(text: string): string[] {
  return text
    .split("\n")
    .filter((line) => line !== "")
    .map((line) =>
      (line.split(" ")[1] ?? "").replaceAll(/\\([0-7]{3})/g, (_, octal: string) =>
        String.fromCharCode(Number.parseInt(octal, 8)),
      ),
    );
}

export function mountPoints(): string[] {
  return parseMountPoints(readFileSync("/proc/self/mounts", "utf8"));
}

export function isMountPoint(path: string): boolean {
  return mountPoints().includes(path);
}
