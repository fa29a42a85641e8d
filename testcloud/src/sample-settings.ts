import { layoutAt } from "./layout.ts";
import { newSettings, type Profile, type Settings } from "./settings.ts";

/** Settings for tests: each secret says which it is. */
export function sampleSettings(profile: Profile): Settings {
  let count = 0;
  const password = (): string => {
    count += 1;
    return `secret${count}`;
  };
  const uuid = (): string => "11111111-2222-4333-8444-555555555555";
  return { ...newSettings(profile, { password, uuid }), layout: layoutAt("/cloud") };
}
