import { Button, NativeSelect, Popover } from "@mantine/core";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { roomsFor } from "../../model/operator-rooms.ts";
import { ALL_WORKLOADS, hrefOf, hrefOfOperator, type Place } from "../../model/place.ts";
import { isLanguage, LANGUAGES } from "../../model/words/choose.ts";
import { endSession, enterProject, readProjects } from "../api-client.ts";
import { inSight } from "../in-sight.ts";
import { SESSION_KEY } from "../reading.ts";
import { usePlace, useSession, useSurroundings, useWords } from "../surroundings.tsx";
import { Brand } from "./brand.tsx";
import { Failure } from "./notes.tsx";

/** The head of every page: the way to the others, the project, and what is about the person. */
export function Top() {
  const { words, embedding } = useSurroundings();
  // Operator pages have their own way to each other.
  if (embedding?.room === "admin") return null;
  return (
    <header className="top">
      {embedding === undefined && <Brand />}
      <nav aria-label={words.header.navigation}>
        <Rooms />
      </nav>
      {/* Around the console are Horizon's own. */}
      {embedding === undefined && (
        <div className="account">
          <ProjectSwitch />
          <AccountMenu />
        </div>
      )}
    </header>
  );
}

function Rooms() {
  const { words, embedding } = useSurroundings();
  const { pages, operator, tenant } = words;
  const [first] = roomsFor(useSession());
  const here = roomOf(usePlace());
  const rooms = [
    { room: "overview", href: hrefOf({ page: "overview" }), title: pages.overview },
    { room: "workloads", href: hrefOf(ALL_WORKLOADS), title: pages.workloads },
    { room: "files", href: hrefOf({ page: "files" }), title: tenant.files.title },
    { room: "project", href: hrefOf({ page: "project" }), title: tenant.project.title },
    ...(first === undefined
      ? []
      : [{ room: "operator", href: hrefOfOperator(first), title: operator.title } as const]),
  ] as const;
  // Inside of Horizon its own menu leads to them.
  const shown = embedding === undefined ? rooms : rooms.filter(({ room }) => room !== "operator");
  return (
    <ul className="rooms">
      {shown.map(({ room, href, title }) => (
        <li key={room}>
          <a
            ref={room === here ? inSight : undefined}
            href={href}
            aria-current={room === here ? "page" : undefined}
          >
            {title}
          </a>
        </li>
      ))}
    </ul>
  );
}

/** Which of the rooms a page belongs to. */
function roomOf({ page }: Place): "overview" | "workloads" | "files" | "project" | "operator" | undefined {
  switch (page) {
    case "overview":
      return "overview";
    case "workloads":
    case "workload":
    case "new-workload":
    case "modify-workload":
    case "snapshot":
    case "restoring":
    case "restore":
      return "workloads";
    case "files":
    case "file-search":
      return "files";
    case "project":
      return "project";
    case "operator":
      return "operator";
    case "unknown":
      return undefined;
  }
}

function ProjectSwitch() {
  const { header } = useWords();
  const { project } = useSession();
  const client = useQueryClient();
  const projects = useQuery({
    queryKey: [...SESSION_KEY, "projects"],
    queryFn: async ({ signal }) => readProjects(signal),
    staleTime: Infinity,
  });
  const enter = useMutation({
    mutationFn: enterProject,
    onSuccess: (session) => {
      // What is open belongs to the former project.
      location.hash = hrefOf({ page: "overview" });
      client.setQueryData(SESSION_KEY, session);
    },
  });
  const there = projects.data ?? [];
  const others = there.some(({ id }) => id === project.id) ? there : [project, ...there];
  return (
    <>
      <NativeSelect
        aria-label={header.project}
        size="xs"
        value={project.id}
        disabled={enter.isPending}
        onChange={(event) => enter.mutate(event.currentTarget.value)}
        data={others.map(({ id, name }) => ({ value: id, label: name }))}
      />
      {enter.error !== null && <Failure of={enter.error} />}
    </>
  );
}

function AccountMenu() {
  const { words } = useSurroundings();
  const { user } = useSession();
  return (
    <Popover position="bottom-end" trapFocus returnFocus withinPortal>
      <Popover.Target>
        <Button variant="default" size="xs" aria-label={`${user}, ${words.header.menu}`}>
          {user}
        </Button>
      </Popover.Target>
      <Popover.Dropdown aria-label={words.header.menu}>
        <div className="menu-group">
          <p className="soft">{words.header.signedInAs(user)}</p>
          <Choices />
          <SignOut />
        </div>
      </Popover.Dropdown>
    </Popover>
  );
}

function Choices() {
  const { words, theme, language, choose } = useSurroundings();
  const { themes } = words.header;
  return (
    <>
      <NativeSelect
        label={words.header.theme}
        size="xs"
        value={theme}
        onChange={({ currentTarget: { value } }) =>
          choose({ theme: value === "light" || value === "dark" ? value : "auto" })
        }
        data={[
          { value: "auto", label: themes.auto },
          { value: "light", label: themes.light },
          { value: "dark", label: themes.dark },
        ]}
      />
      <NativeSelect
        label={words.header.language}
        size="xs"
        value={language}
        onChange={({ currentTarget: { value } }) => {
          if (isLanguage(value)) choose({ language: value });
        }}
        data={Object.entries(LANGUAGES).map(([value, label]) => ({ value, label }))}
      />
    </>
  );
}

function SignOut() {
  const { header } = useWords();
  const client = useQueryClient();
  const end = useMutation({
    mutationFn: endSession,
    onSuccess: () => {
      // Nothing of one person is left for the next.
      client.clear();
      location.reload();
    },
  });
  return (
    <>
      {end.error !== null && <Failure of={end.error} />}
      <Button variant="default" size="xs" loading={end.isPending} onClick={() => end.mutate()}>
        {header.signOut}
      </Button>
    </>
  );
}
