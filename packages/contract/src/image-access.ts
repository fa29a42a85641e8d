import { type Static, Type } from "typebox";
import { openValue, type SealedPlace, sealValue } from "./sealed.ts";

/** How a datamover reaches one image of Glance: for one upload, with a token that ends within hours. */
export const ImageAccess = Type.Object({
  /** Glance's address of the image's data, to be PUT. */
  url: Type.String(),
  token: Type.String(),
  /** Certificates of authorities that this cloud's own are signed by, in PEM. */
  authorities: Type.Optional(Type.String()),
  /** Whether the control plane was told to take any certificate for good. */
  isInsecure: Type.Optional(Type.Boolean()),
});
export type ImageAccess = Static<typeof ImageAccess>;

function placeOf(imageId: string): SealedPlace {
  return {
    purpose: "cairn image access v1",
    boundTo: imageId,
    code: "image-access-sealed",
    doing: `opening what reaches image ${imageId}`,
  };
}

/**
 * Seals what reaches an image with the master key (32 bytes), for the row of an order: a token is a secret of
 * the tenant's, and rows are copied into dumps and replicas. It opens for this image alone.
 */
export function sealImageAccess(access: ImageAccess, imageId: string, masterKey: Buffer): string {
  return sealValue(access, placeOf(imageId), masterKey);
}

/** What was sealed. Fault `image-access-sealed` when key or image are others, or it was changed. */
export function openImageAccess(text: string, imageId: string, masterKey: Buffer): ImageAccess {
  return openValue(ImageAccess, text, placeOf(imageId), masterKey);
}
