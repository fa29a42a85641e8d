import { Button } from "@mantine/core";

/** Leads to a page where something is done; where it cannot be done it says why instead. */
export function LinkButton({
  href,
  reason,
  isMain = false,
  children,
}: {
  readonly href: string;
  readonly reason: string | undefined;
  /** What the page is there for. */
  readonly isMain?: boolean;
  readonly children: string;
}) {
  const variant = isMain ? "filled" : "default";
  if (reason !== undefined) {
    return (
      <Button variant={variant} disabled title={reason}>
        {children}
      </Button>
    );
  }
  return (
    <Button component="a" variant={variant} href={href}>
      {children}
    </Button>
  );
}
