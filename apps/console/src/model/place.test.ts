import assert from "node:assert/strict";
import { test } from "node:test";
import { hrefOf, type Place, parsePlace } from "./place.ts";

void test("every place is found again by its address", () => {
  const places: readonly Place[] = [
    { page: "overview" },
    { page: "workloads", name: "", status: "", after: "" },
    { page: "workloads", name: "erp & co / 100%", status: "locked", after: "w-1" },
    { page: "workload", id: "w-1", after: "" },
    { page: "workload", id: "w/1", after: "s-9" },
    { page: "new-workload" },
    { page: "files" },
    { page: "file-search", id: "17" },
    { page: "project" },
    { page: "modify-workload", id: "w/1" },
    { page: "snapshot", id: "s-1" },
    { page: "restoring", id: "s/1", kind: "inplace" },
    { page: "restore", id: "r-1" },
    { page: "operator", room: "nodes", filters: {} },
    { page: "operator", room: "targets", filters: { name: "a:b & c" } },
  ];
  for (const place of places) assert.deepEqual(parsePlace(hrefOf(place)), place);
});

void test("an empty fragment is the overview, with and without the bang", () => {
  for (const fragment of ["", "#", "#!", "#/", "#!/"]) {
    assert.deepEqual(parsePlace(fragment), { page: "overview" }, fragment);
  }
});

void test("an address that leads nowhere is told, and is no failure", () => {
  for (const fragment of [
    "#!/drills",
    "#!/snapshots",
    "#!/workloads/a/b",
    "#!/snapshots/a/restore/all",
    "#!/%zz",
    "#!/operator/keys",
  ]) {
    assert.equal(parsePlace(fragment).page, "unknown", fragment);
  }
});
