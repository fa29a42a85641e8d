import { Modal } from "@mantine/core";
import type { ReactNode } from "react";
import { useWords } from "../surroundings.tsx";

/** A question that lies above the page until it is answered or left; Escape leaves it. */
export function Dialog({
  title,
  isOpen,
  onClose,
  children,
}: {
  readonly title: string;
  readonly isOpen: boolean;
  readonly onClose: () => void;
  readonly children: ReactNode;
}) {
  const { manage } = useWords();
  return (
    <Modal
      opened={isOpen}
      onClose={onClose}
      title={title}
      closeButtonProps={{ "aria-label": manage.close }}
      size="lg"
      // It would write a style element into the page, which the page's policy stops.
      lockScroll={false}
    >
      {children}
    </Modal>
  );
}
