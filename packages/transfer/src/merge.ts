import type { ChunkAddress, Piece, Region } from "@cairn/repository";

/** New content for a stretch of a region: a chunk of just that length, or zeroes. */
export interface Replacement {
  readonly offset: number;
  readonly length: number;
  readonly chunk: ChunkAddress | undefined;
}

/** A region of `bytes` bytes with some stretches replaced. Replacements do not overlap. */
export function replaceStretches(
  region: Region,
  bytes: number,
  replacements: readonly Replacement[],
): Region {
  let pieces = piecesOf(region, bytes);
  for (const { offset, length } of replacements) pieces = withoutStretch(pieces, offset, offset + length);
  const added = replacements.flatMap(({ offset, length, chunk }): Piece[] =>
    chunk === undefined ? [] : [{ offset, length, chunkOffset: 0, chunk }],
  );
  const sorted = [...pieces, ...added].sort((a, b) => a.offset - b.offset);
  return simplest(joined(sorted), bytes);
}

/** A region as pieces, whatever it is stored as. */
export function piecesOf(region: Region, bytes: number): readonly Piece[] {
  switch (region.kind) {
    case "zero":
      return [];
    case "whole":
      return [{ offset: 0, length: bytes, chunkOffset: 0, chunk: region.chunk }];
    case "pieces":
      return region.pieces;
  }
}

function withoutStretch(pieces: readonly Piece[], from: number, to: number): Piece[] {
  return pieces.flatMap((piece) => {
    const end = piece.offset + piece.length;
    if (end <= from || piece.offset >= to) return [piece];
    const before: Piece = { ...piece, length: from - piece.offset };
    const cut = to - piece.offset;
    const after: Piece = { ...piece, offset: to, length: end - to, chunkOffset: piece.chunkOffset + cut };
    return [before, after].filter(({ length }) => length > 0);
  });
}

/** Pieces that continue each other in the region and in the same chunk become one. */
function joined(pieces: readonly Piece[]): Piece[] {
  const result: Piece[] = [];
  for (const piece of pieces) {
    const last = result.at(-1);
    const continues =
      last !== undefined &&
      last.offset + last.length === piece.offset &&
      last.chunkOffset + last.length === piece.chunkOffset &&
      last.chunk.id.equals(piece.chunk.id) &&
      last.chunk.pack === piece.chunk.pack;
    if (continues) result[result.length - 1] = { ...last, length: last.length + piece.length };
    else result.push(piece);
  }
  return result;
}

/** Equal content has one form: nothing is zero, one chunk that fills the region is whole. */
function simplest(pieces: readonly Piece[], bytes: number): Region {
  const [first] = pieces;
  if (first === undefined) return { kind: "zero" };
  const fills = first.offset === 0 && first.length === bytes && first.chunk.plainBytes === bytes;
  return fills ? { kind: "whole", chunk: first.chunk } : { kind: "pieces", pieces };
}
