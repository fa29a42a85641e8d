import { Button, Radio, Textarea, TextInput } from "@mantine/core";
import { type FormEvent, useState } from "react";
import type { Workload } from "../../model/api-types.ts";
import { obstacleTo } from "../../model/deeds.ts";
import { useChange } from "../reading.ts";
import { useSession, useWords } from "../surroundings.tsx";
import { Dialog } from "./dialog.tsx";
import { Failure } from "./notes.tsx";

/** The buttons that take a snapshot of a workload; one that cannot be used says why. */
export function TakeSnapshot({ workload }: { readonly workload: Workload }) {
  const words = useWords();
  const { mayNot } = useSession();
  const [isOpen, open] = useState(false);
  const take = useChange("POST /workloads/{workload_id}");
  const obstacle = obstacleTo("snapshot", workload, mayNot);
  const reason = obstacle === undefined ? undefined : words.manage.obstacles[obstacle];
  const begin = (wish: Wish): void =>
    take.mutate(
      {
        params: { workload_id: workload.id },
        query: { full: wish.isFull },
        body: {
          snapshot: {
            ...(wish.name === "" ? {} : { name: wish.name }),
            ...(wish.description === "" ? {} : { description: wish.description }),
          },
        },
      },
      { onSuccess: () => open(false) },
    );
  return (
    <>
      <output className="hidden">{take.isSuccess ? words.workload.taken : ""}</output>
      <Button
        disabled={reason !== undefined}
        title={reason}
        loading={take.isPending}
        onClick={() => begin(PLAIN)}
      >
        {words.workload.takeSnapshot}
      </Button>
      <Button
        variant="default"
        disabled={reason !== undefined}
        title={reason}
        loading={take.isPending}
        onClick={() => {
          take.reset();
          open(true);
        }}
      >
        {words.manage.snapshot.open}
      </Button>
      {reason !== undefined && <p className="soft">{reason}</p>}
      {!isOpen && take.error !== null && <Failure of={take.error} />}
      <Dialog title={words.manage.snapshot.title} isOpen={isOpen} onClose={() => open(false)}>
        <WishForm isPending={take.isPending} error={take.error} onWish={begin} />
      </Dialog>
    </>
  );
}

interface Wish {
  readonly name: string;
  readonly description: string;
  readonly isFull: boolean;
}

const PLAIN: Wish = { name: "", description: "", isFull: false };

function WishForm({
  isPending,
  error,
  onWish,
}: {
  readonly isPending: boolean;
  readonly error: Error | null;
  readonly onWish: (wish: Wish) => void;
}) {
  const { snapshot: words } = useWords().manage;
  const [wish, change] = useState(PLAIN);
  const onSubmit = (event: FormEvent): void => {
    event.preventDefault();
    onWish(wish);
  };
  return (
    <form className="fields" onSubmit={onSubmit}>
      <TextInput
        label={words.name}
        description={words.nameHint}
        maxLength={255}
        value={wish.name}
        onChange={({ currentTarget: { value } }) => change({ ...wish, name: value })}
      />
      <Textarea
        label={words.description}
        value={wish.description}
        onChange={({ currentTarget: { value } }) => change({ ...wish, description: value })}
      />
      <Radio.Group
        label={words.type}
        value={wish.isFull ? "full" : "incremental"}
        onChange={(value) => change({ ...wish, isFull: value === "full" })}
      >
        <div className="choices">
          <Radio value="incremental" label={words.incremental} />
          <Radio value="full" label={words.full} />
        </div>
      </Radio.Group>
      {error !== null && <Failure of={error} />}
      <div className="pager">
        <span />
        <Button type="submit" loading={isPending}>
          {words.button}
        </Button>
      </div>
    </form>
  );
}
