import { runService } from "@cairn/service";
import { datamoverSpec } from "./config.ts";
import { startDatamover } from "./datamover.ts";

await runService({ name: "datamover", spec: datamoverSpec, start: startDatamover }, process);
