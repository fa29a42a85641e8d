import { Button } from "@mantine/core";
import { useMutation } from "@tanstack/react-query";
import { csvName, csvOf, type Sheet } from "../../model/csv.ts";
import { saveFile } from "../save-file.ts";
import { useNow, useWords } from "../surroundings.tsx";
import { Failure } from "./notes.tsx";

/** Downloads a table for other programs; `what` names the file. */
export function DownloadCsv({
  what,
  of,
  make,
}: {
  readonly what: string;
  /** The table's title, as there may be several on a page. */
  readonly of: string;
  /** Undefined: what it is made of is still being read. */
  readonly make: (() => Promise<Sheet>) | undefined;
}) {
  const { operator } = useWords();
  const now = useNow();
  const download = useMutation({
    mutationFn: async () => {
      if (make === undefined) return;
      saveFile(new Blob([csvOf(await make())], { type: "text/csv;charset=utf-8" }), csvName(what, now));
    },
  });
  return (
    <div className="form">
      {download.error !== null && <Failure of={download.error} />}
      <Button
        variant="default"
        size="xs"
        aria-label={`${operator.csv}: ${of}`}
        disabled={make === undefined}
        title={make === undefined ? operator.csvLater : undefined}
        loading={download.isPending}
        onClick={() => download.mutate()}
      >
        {operator.csv}
      </Button>
    </div>
  );
}
