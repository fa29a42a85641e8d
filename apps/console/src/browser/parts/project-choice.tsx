import { Checkbox, TextInput } from "@mantine/core";
import { useState } from "react";
import type { ReplyOf } from "../../model/api-types.ts";
import { useRead } from "../reading.ts";
import { useWords } from "../surroundings.tsx";
import { Loaded } from "./notes.tsx";

type Projects = ReplyOf<"GET /workloads/metrics/projects">["projects"];

/** More are found by their name. */
const SHOWN_MAX = 50;

/** Projects of the cloud to be ticked, found by a part of their name. */
export function ProjectChoice({
  label,
  chosen,
  onChoose,
}: {
  readonly label: string;
  /** Ids; one of a project that is gone stays until it is unticked. */
  readonly chosen: ReadonlySet<string>;
  readonly onChoose: (chosen: ReadonlySet<string>) => void;
}) {
  const projects = useRead("GET /workloads/metrics/projects", {});
  return (
    <Loaded from={projects}>
      {(reply) => <Choice label={label} all={reply.projects} chosen={chosen} onChoose={onChoose} />}
    </Loaded>
  );
}

function Choice({
  label,
  all,
  chosen,
  onChoose,
}: Parameters<typeof ProjectChoice>[0] & { readonly all: Projects }) {
  const { operator } = useWords();
  const [sought, seek] = useState("");
  const known = new Set(all.map(({ id }) => id));
  const gone = [...chosen].filter((id) => !known.has(id)).map((id) => ({ id, name: operator.projectGone }));
  const found = [...gone, ...all].filter(({ name }) => name.toLowerCase().includes(sought.toLowerCase()));
  const toggle = (id: string, isChosen: boolean): void =>
    onChoose(new Set(isChosen ? [...chosen, id] : [...chosen].filter((each) => each !== id)));
  return (
    <fieldset className="choice">
      <legend>{label}</legend>
      <TextInput
        type="search"
        label={operator.findProject}
        value={sought}
        onChange={(event) => seek(event.currentTarget.value)}
      />
      {found.slice(0, SHOWN_MAX).map(({ id, name }) => (
        <Checkbox
          key={id}
          label={name}
          checked={chosen.has(id)}
          onChange={(event) => toggle(id, event.currentTarget.checked)}
        />
      ))}
      {found.length > SHOWN_MAX && <p className="soft">{operator.moreProjects(found.length - SHOWN_MAX)}</p>}
      {found.length === 0 && <p className="soft">{operator.noSuchProject}</p>}
    </fieldset>
  );
}
