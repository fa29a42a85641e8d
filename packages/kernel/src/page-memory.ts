const WASM_PAGE_BYTES = 64 * 1024;

/**
 * JavaScript's only memory that begins at a page; the types of it come with a browser's, which we do not
 * load.
 */
declare const WebAssembly: {
  readonly Memory: new (size: {
    readonly initial: number;
    readonly maximum: number;
  }) => { readonly buffer: ArrayBuffer };
};

/**
 * Memory that begins at a page, for files that are opened with `O_DIRECT` (open(2)), at least so long. It is
 * the collector's to free: keep it and use it again. `undefined` where there is none to be had: it reserves
 * gigabytes of addresses, and a process that is limited in those does without.
 */
export function allocatePages(bytes: number): Buffer | undefined {
  const pages = Math.ceil(bytes / WASM_PAGE_BYTES);
  try {
    return Buffer.from(new WebAssembly.Memory({ initial: pages, maximum: pages }).buffer);
  } catch (cause) {
    if (!(cause instanceof RangeError)) throw cause;
    return undefined;
  }
}
