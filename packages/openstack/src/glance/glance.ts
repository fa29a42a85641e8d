import type { ServiceClient } from "../wire/service-client.ts";
import { type Images, images } from "./images.ts";
import { type ImageUsages, imageUsages } from "./usage.ts";

export interface Glance {
  readonly images: Images;
  readonly usage: ImageUsages;
}

export function glance(client: ServiceClient): Glance {
  return { images: images(client), usage: imageUsages(client) };
}
