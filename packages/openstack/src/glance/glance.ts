import type { Images } from "./images.ts";

export interface Glance {
  readonly images: Images;
}
