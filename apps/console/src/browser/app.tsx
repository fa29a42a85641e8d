import { MantineProvider } from "@mantine/core";
import { QueryClientProvider, useQuery } from "@tanstack/react-query";
import { lazy, type ReactNode, Suspense, useEffect, useMemo, useState, useSyncExternalStore } from "react";
import type { Embedding } from "../model/embedding.ts";
import { formatsFor } from "../model/formats.ts";
import type { Place } from "../model/place.ts";
import { chooseLanguage, type LanguageTag, regionOf } from "../model/words/choose.ts";
import type { Words } from "../model/words/english.ts";
import { readSession } from "./api-client.ts";
import { Leaving } from "./leaving.tsx";
import { Overview } from "./pages/overview.tsx";
import { SignIn } from "./pages/sign-in.tsx";
import { Workloads } from "./pages/workloads.tsx";
import { Empty, Failure } from "./parts/notes.tsx";
import { Page } from "./parts/page.tsx";
import { Top } from "./parts/top.tsx";
import { keepPreference, readPreference } from "./preferences.ts";
import { makeQueryClient, SESSION_KEY } from "./reading.ts";
import {
  type Clock,
  SessionContext,
  SurroundingsContext,
  type Theme,
  usePlace,
  useSurroundings,
  useWords,
} from "./surroundings.tsx";
import type { themeFor } from "./theme.ts";

// Opened from another page, so that they may come a moment later than the first one.
const Workload = lazy(async () => ({ default: (await import("./pages/workload.tsx")).Workload }));
const Snapshot = lazy(async () => ({ default: (await import("./pages/snapshot.tsx")).Snapshot }));
const workloadForm = async () => import("./pages/form/workload-form.tsx");
const NewWorkload = lazy(async () => ({ default: (await workloadForm()).NewWorkload }));
const ModifyWorkload = lazy(async () => ({ default: (await workloadForm()).ModifyWorkload }));
const Files = lazy(async () => ({ default: (await import("./pages/files.tsx")).Files }));
const FileSearch = lazy(async () => ({ default: (await import("./pages/file-search.tsx")).FileSearch }));
const Project = lazy(async () => ({ default: (await import("./pages/project.tsx")).Project }));
const Operator = lazy(async () => ({
  default: (await import("./pages/operator/operator.tsx")).Operator,
}));

const Restoring = lazy(async () => ({ default: (await import("./pages/restoring.tsx")).Restoring }));
const Restore = lazy(async () => ({ default: (await import("./pages/restore.tsx")).Restore }));

const client = makeQueryClient();

/** What the console is put into. */
export interface Ground {
  /** Carries the colour scheme. */
  readonly root: HTMLElement;
  readonly theme: ReturnType<typeof themeFor>;
  readonly clock: Clock;
  readonly loadWords: (language: LanguageTag) => Promise<Words>;
  readonly first: { readonly language: LanguageTag; readonly words: Words };
  /** The page that the console stands in, and how dark it is; undefined: a page of its own. */
  readonly around: { readonly embedding: Embedding; readonly scheme: "light" | "dark" } | undefined;
}

/** The console. */
export function App({ root, theme: kit, clock, loadWords, first, around }: Ground) {
  const [theme, setTheme] = useState<Theme>(() => readTheme());
  const [{ language, words }, speak] = useState(first);
  const isDark = useDarkSystem();
  const own = theme === "auto" ? (isDark ? "dark" : "light") : theme;
  const embedding = around?.embedding;
  const surroundings = useMemo(() => {
    const timeZone = embedding?.zone ?? new Intl.DateTimeFormat().resolvedOptions().timeZone;
    const choose = (choice: { readonly theme?: Theme; readonly language?: LanguageTag }): void => {
      if (choice.theme !== undefined) {
        setTheme(choice.theme);
        keepPreference("theme", choice.theme);
      }
      const tag = choice.language;
      if (tag === undefined) return;
      keepPreference("language", tag);
      void loadWords(tag).then((loaded) => speak({ language: tag, words: loaded }));
    };
    return {
      words,
      formats: formatsFor(regionOf(language, navigator.languages), timeZone),
      clock,
      theme,
      language,
      embedding,
      choose,
    };
  }, [words, language, theme, clock, loadWords, embedding]);
  useEffect(() => {
    root.setAttribute("lang", language);
  }, [root, language]);
  return (
    <MantineProvider
      theme={kit}
      forceColorScheme={around?.scheme ?? own}
      getRootElement={() => root}
      withCssVariables={false}
      withGlobalClasses={false}
    >
      <QueryClientProvider client={client}>
        <SurroundingsContext value={surroundings}>
          <Doorway />
        </SurroundingsContext>
      </QueryClientProvider>
    </MantineProvider>
  );
}

function readTheme(): Theme {
  const kept = readPreference("theme");
  return kept === "light" || kept === "dark" ? kept : "auto";
}

/** The language to begin with; inside of another page that page's. */
export function firstLanguage(embedding: Embedding | undefined): LanguageTag {
  if (embedding !== undefined) return chooseLanguage(embedding.language, []);
  return chooseLanguage(readPreference("language"), navigator.languages);
}

function useDarkSystem(): boolean {
  return useSyncExternalStore(
    (listener) => {
      const media = matchMedia(DARK);
      media.addEventListener("change", listener);
      return () => media.removeEventListener("change", listener);
    },
    () => matchMedia(DARK).matches,
  );
}

const DARK = "(prefers-color-scheme: dark)";

/** Lets in whoever has a session. One that ends while pages are open leads back to them. */
function Doorway() {
  const { embedding } = useSurroundings();
  const session = useQuery({
    queryKey: SESSION_KEY,
    queryFn: async ({ signal }) => readSession(signal),
    staleTime: Infinity,
  });
  const [wasIn, setWasIn] = useState(false);
  const { data, error } = session;
  if (data !== undefined && data !== null && !wasIn) setWasIn(true);
  if (data === null && embedding !== undefined) return <Leaving embedding={embedding} />;
  if (data === null) return <SignIn isAgain={wasIn} />;
  if (data === undefined) {
    if (error === null) return null;
    return (
      <div className="door">
        <main>
          <Failure of={error} onAgain={() => void session.refetch()} />
        </main>
      </div>
    );
  }
  return (
    <SessionContext value={data}>
      <Skip />
      <Top />
      <Suspense fallback={null}>
        {/* A page of one project has nothing to do with the same page of another. */}
        <Room key={data.project.id} />
      </Suspense>
    </SessionContext>
  );
}

function Skip() {
  const { skip } = useWords();
  const toContent = (root: Node): void => {
    if (root instanceof ShadowRoot) root.querySelector("h1")?.focus();
  };
  return (
    <button type="button" className="skip" onClick={(event) => toContent(event.currentTarget.getRootNode())}>
      {skip}
    </button>
  );
}

function Room(): ReactNode {
  const place = usePlace();
  return <PageOf key={keyOf(place)} place={place} />;
}

/** Pages of which only the list changes stay, and with them the focus. */
function keyOf(place: Place): string {
  if (place.page === "operator") return `operator ${place.room}`;
  if (place.page === "restoring") return `${place.page} ${place.kind} ${place.id}`;
  return "id" in place ? `${place.page} ${place.id}` : place.page;
}

function PageOf({ place }: { readonly place: Place }): ReactNode {
  const { states } = useWords();
  switch (place.page) {
    case "overview":
      return <Overview />;
    case "workloads":
      return <Workloads place={place} />;
    case "workload":
      return <Workload place={place} />;
    case "files":
      return <Files />;
    case "file-search":
      return <FileSearch id={place.id} />;
    case "project":
      return <Project />;
    case "new-workload":
      return <NewWorkload />;
    case "modify-workload":
      return <ModifyWorkload id={place.id} />;
    case "snapshot":
      return <Snapshot id={place.id} />;
    case "operator":
      return <Operator room={place.room} filters={place.filters} />;
    case "restoring":
      return <Restoring place={place} />;
    case "restore":
      return <Restore id={place.id} />;
    case "unknown":
      return (
        <Page title={states.unknownPage}>
          <Empty title={place.path} />
        </Page>
      );
  }
}
