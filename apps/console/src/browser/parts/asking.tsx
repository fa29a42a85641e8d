import { Button } from "@mantine/core";
import { useMutation } from "@tanstack/react-query";
import type { FormEvent, ReactNode } from "react";
import { useState } from "react";
import { useSession, useWords } from "../surroundings.tsx";
import { Dialog } from "./dialog.tsx";
import { Failure } from "./notes.tsx";

/** The button that a dialog is opened with. */
export interface OpenerProps {
  readonly label: string;
  /** What it is about, where several buttons have the same label. */
  readonly of?: string;
  readonly title: string;
  /** Why it cannot be used now. */
  readonly reason?: string | undefined;
  /** What the page is there for, rather than one of a row's. */
  readonly isMain?: boolean;
}

/** A button that opens a dialog. What is in it is made anew each time, and is told how to close it. */
export function Opener({
  label,
  of,
  title,
  reason,
  isMain = false,
  children,
}: OpenerProps & { readonly children: (close: () => void) => ReactNode }) {
  const [isOpen, open] = useState(false);
  const close = (): void => open(false);
  return (
    <>
      <Button
        variant={isMain ? "filled" : "default"}
        size={isMain ? "sm" : "xs"}
        aria-label={of === undefined ? undefined : `${label}: ${of}`}
        disabled={reason !== undefined}
        title={reason}
        onClick={() => open(true)}
      >
        {label}
      </Button>
      <Dialog title={title} isOpen={isOpen} onClose={close}>
        {children(close)}
      </Dialog>
    </>
  );
}

interface DialogFormProps {
  /** What the dialog does, as its button says it. */
  readonly verb: string;
  /** It stops or removes something. */
  readonly isGrave?: boolean;
  /** What is still missing. */
  readonly problem?: string | undefined;
  readonly run: () => Promise<unknown>;
  readonly close: () => void;
  readonly children: ReactNode;
}

/** What a dialog asks, and the buttons that do it or not. It stays, with the reason, when it fails. */
export function DialogForm({ verb, isGrave = false, problem, run, close, children }: DialogFormProps) {
  const { operator } = useWords();
  const act = useMutation({ mutationFn: run, onSuccess: close });
  const onSubmit = (event: FormEvent): void => {
    event.preventDefault();
    act.mutate();
  };
  return (
    <form className="dialog" onSubmit={onSubmit}>
      {children}
      {act.error !== null && <Failure of={act.error} />}
      {problem !== undefined && <p className="soft">{problem}</p>}
      <div className="dialog-foot">
        <Button variant="default" onClick={close}>
          {operator.cancel}
        </Button>
        <Button
          type="submit"
          {...(isGrave ? { color: "red.9" } : {})}
          loading={act.isPending}
          disabled={problem !== undefined}
        >
          {verb}
        </Button>
      </div>
    </form>
  );
}

/** A button that does something after its dialog has said what that means. */
export function Confirm({
  verb,
  isGrave = false,
  run,
  children,
  ...opener
}: OpenerProps & Omit<DialogFormProps, "close" | "problem">) {
  return (
    <Opener {...opener}>
      {(close) => (
        <DialogForm verb={verb} isGrave={isGrave} run={run} close={close}>
          {children}
        </DialogForm>
      )}
    </Opener>
  );
}

/** Why somebody cannot use a button: the API refuses them the request, or something stands in its way. */
export function useRefusal(request: string, obstacle?: string): string | undefined {
  const { states } = useWords();
  return useSession().mayNot.has(request) ? states.refused : obstacle;
}
