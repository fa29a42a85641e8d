import type { Filters } from "../../../model/place.ts";

/** What every operator page is given. */
export interface RoomProps {
  readonly filters: Filters;
}
