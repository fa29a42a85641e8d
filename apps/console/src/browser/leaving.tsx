import { useEffect } from "react";
import { type Embedding, loginAddress } from "../model/embedding.ts";
import { Note } from "./parts/notes.tsx";
import { useWords } from "./surroundings.tsx";

/** Fragments do not survive signing in elsewhere; this window keeps the last one meanwhile. */
const KEPT = "cairn.before-sign-in";

/** Leads to where one signs in when the page around the console has no session any more. */
export function Leaving({ embedding }: { readonly embedding: Embedding }) {
  const { signIn } = useWords();
  const address = loginAddress(embedding, location.pathname);
  useEffect(() => {
    sessionStorage.setItem(KEPT, JSON.stringify([location.pathname, location.hash]));
    location.assign(address);
  }, [address]);
  return (
    <main className="page">
      <Note tone="busy" title={signIn.ended}>
        <a href={address}>{signIn.button}</a>
      </Note>
    </main>
  );
}

/** The fragment of this page that signing in interrupted; undefined: none. It counts once. */
export function placeBeforeSignIn(): string | undefined {
  const kept = sessionStorage.getItem(KEPT);
  sessionStorage.removeItem(KEPT);
  const [path, fragment] = JSON.parse(kept ?? "[]") as readonly unknown[];
  return path === location.pathname && typeof fragment === "string" && fragment !== "" ? fragment : undefined;
}
