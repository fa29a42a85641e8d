import { Button, CopyButton } from "@mantine/core";
import { useWords } from "../surroundings.tsx";

/** An id, which programs want, with a button that copies it; `of` names what has it. */
export function CopyId({ id, of }: { readonly id: string; readonly of: string }) {
  const { restore: words } = useWords().restores;
  return (
    <span className="copy">
      <code translate="no">{id}</code>
      <CopyButton value={id}>
        {({ copied, copy }) => (
          <>
            <Button variant="default" size="compact-xs" aria-label={words.copy(of)} onClick={copy}>
              {copied ? words.copied : words.copyShort}
            </Button>
            <output className="hidden">{copied ? words.copied : ""}</output>
          </>
        )}
      </CopyButton>
    </span>
  );
}
