import { useFormats } from "../surroundings.tsx";

/** How full something is: as a bar, and in words. */
export function Meter({
  label,
  used,
  of: all,
  text,
}: {
  readonly label: string;
  readonly used: number;
  readonly of: number;
  readonly text: string;
}) {
  const formats = useFormats();
  return (
    <span className="meter">
      <progress aria-label={label} value={used} max={Math.max(1, all)} />
      <span className="soft">
        {text} ({formats.percent(used / Math.max(1, all))})
      </span>
    </span>
  );
}
