import { useEffect, useState } from "react";

/** While somebody types nothing is asked. */
const TYPING_MS = 400;

/** A value as it was when it had stayed the same for a moment. */
export function useSettled<Value>(value: Value): Value {
  const [settled, settle] = useState(value);
  useEffect(() => {
    const wait = setTimeout(() => settle(value), TYPING_MS);
    return () => clearTimeout(wait);
  }, [value]);
  return settled;
}
