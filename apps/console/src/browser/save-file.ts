/** By then a browser has begun to save it. */
const KEPT_MS = 60_000;

/** Has the browser keep a file as one that it downloaded: never shows it, as it is somebody's data. */
export function saveFile(blob: Blob, name: string): void {
  const url = URL.createObjectURL(blob);
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), KEPT_MS);
}
