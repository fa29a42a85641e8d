/** The name and its sign: a pile of stones that marks the way back. */
export function Brand() {
  return (
    <span className="brand">
      <svg viewBox="0 0 32 32" aria-hidden="true">
        <ellipse cx="16" cy="25.5" rx="12" ry="4.5" />
        <ellipse cx="16.5" cy="16.5" rx="8.5" ry="4" opacity=".82" />
        <ellipse cx="15.5" cy="8.5" rx="5" ry="3.5" opacity=".64" />
      </svg>
      Cairn
    </span>
  );
}
