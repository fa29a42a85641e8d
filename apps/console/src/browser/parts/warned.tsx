/** What the planner says of the field that stands above. */
export function Warned({ by, id }: { readonly by: readonly string[]; readonly id?: string }) {
  if (by.length === 0) return null;
  return (
    <div className="warned" {...(id === undefined ? {} : { id })}>
      {by.map((warning) => (
        <p key={warning}>
          <span aria-hidden="true">! </span>
          {warning}
        </p>
      ))}
    </div>
  );
}
