import type { ServiceClient } from "../wire/service-client.ts";
import { type Images, images } from "./images.ts";

export interface Glance {
  readonly images: Images;
}

export function glance(client: ServiceClient): Glance {
  return { images: images(client) };
}
