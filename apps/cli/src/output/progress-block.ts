import type { Progress } from "@cairn/contract";
import { formatBytes, formatDuration } from "@cairn/kernel";
import { clipped, displayWidth, harmless, padded } from "./width.ts";

/** What is being waited for, as one answer of the API told it. */
export interface WaitView {
  /** `snapshot nightly`. */
  readonly title: string;
  readonly status: string;
  readonly percent: number;
  readonly progress: Progress | null;
  /** Bytes a second over the last few answers; undefined while unknown. */
  readonly bytesPerSecond: number | undefined;
}

const DISK_LINES_MAX = 12;
const BAR_WIDTH_MAX = 30;

/**
 * The block that a terminal shows while one waits: a headline, and a bar for each disk that is not finished.
 */
export function renderProgressBlock(view: WaitView, width: number): string[] {
  const disks = view.progress?.disks ?? [];
  const open = disks.filter((disk) => disk.done_bytes < disk.total_bytes);
  const shown = (open.length === 0 ? disks : open).slice(0, DISK_LINES_MAX);
  const names = shown.map((disk) => harmless(`${disk.instance} ${disk.disk}`.trim()));
  const nameWidth = Math.min(Math.max(0, ...names.map((name) => displayWidth(name))), Math.floor(width / 3));
  const lines = shown.map((disk, index) => {
    const name = padded(clipped(names[index] ?? "", nameWidth), nameWidth);
    const size = `${formatBytes(disk.done_bytes)} of ${formatBytes(disk.total_bytes)}`;
    const percent = percentOf(disk.done_bytes, disk.total_bytes);
    const rest = ` ${String(percent).padStart(3)} %  ${padded(size, 22)}`;
    const room = Math.min(BAR_WIDTH_MAX, width - nameWidth - rest.length - 5);
    const bar = room < 5 ? "" : ` [${barOf(percent, room)}]`;
    return clipped(`  ${name}${bar}${rest}`.trimEnd(), width);
  });
  const hidden = (open.length === 0 ? disks : open).length - shown.length;
  const more = hidden > 0 ? [`  and ${hidden} more disks`] : [];
  return [headline(view, width), ...lines, ...more];
}

/** How long it will still take is what people look for: the bytes, then the rate, make room for it. */
function headline(view: WaitView, width: number): string {
  const short = { ...view, title: clipped(harmless(view.title), Math.floor(width / 2)) };
  const all = partsOf(short);
  const choices = [all, { ...all, size: [] }, { ...all, size: [], rate: [] }];
  const texts = choices.map(({ head, size, rate, left }) => [...head, ...size, ...rate, ...left].join(", "));
  return texts.find((text) => displayWidth(text) <= width) ?? clipped(texts.at(-1) ?? "", width);
}

/** The same as one line, for logs and pipes. */
export function renderProgressLine(view: WaitView): string {
  const { head, size, rate, left } = partsOf(view);
  return [...head, ...size, ...rate, ...left].join(", ");
}

function partsOf(view: WaitView) {
  const phase = view.progress?.phase ?? view.status;
  const disks = view.progress?.disks ?? [];
  const done = sum(disks.map((disk) => disk.done_bytes));
  const total = sum(disks.map((disk) => disk.total_bytes));
  const speed = view.bytesPerSecond ?? 0;
  const leftMs = speed > 0 ? Math.ceil((total - done) / speed) * 1000 : 0;
  return {
    head: [`${harmless(view.title)}: ${phase}`, `${view.percent} %`],
    size: total > 0 ? [`${formatBytes(done)} of ${formatBytes(total)}`] : [],
    rate: speed > 0 ? [`${formatBytes(speed)}/s`] : [],
    left: leftMs > 0 ? [`about ${formatDuration(leftMs)} left`] : [],
  };
}

function barOf(percent: number, width: number): string {
  const filled = Math.floor((percent * width) / 100);
  return "#".repeat(filled) + "-".repeat(width - filled);
}

function percentOf(done: number, total: number): number {
  return total === 0 ? 100 : Math.min(100, Math.floor((done / total) * 100));
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
