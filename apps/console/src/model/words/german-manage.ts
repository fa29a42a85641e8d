import type { ManageWords } from "./english-manage.ts";
import { pluralOf } from "./plural.ts";

const count = pluralOf("de");

/** What is done with a workload beside taking snapshots, in German. */
export const manageGerman: ManageWords = {
  title: "Verwalten",
  obstacles: {
    refused: "Ihre Rollen in diesem Projekt erlauben es nicht.",
    busy: "Mit diesem Workload geschieht gerade etwas; warten Sie, bis es zu Ende ist.",
    broken: "Der Workload ist im Fehlerzustand; geben Sie ihn zuerst frei.",
    notLocked: "Er ist nicht gesperrt.",
  },
  close: "Schließen",
  leave: "Nichts ändern",
  snapshot: {
    open: "Voller oder benannter Snapshot …",
    title: "Einen vollen oder benannten Snapshot anfertigen",
    name: "Name",
    nameHint: "Ohne Namen heißt er snapshot.",
    description: "Beschreibung",
    type: "Art",
    incremental: "Inkrementell: nur was sich seit dem letzten geändert hat, wird gelesen",
    full: "Voll: alle Disks werden ganz gelesen",
    button: "Jetzt anfertigen",
  },
  pause: {
    title: "Zeitplan anhalten",
    hint: "Kein Snapshot beginnt von selbst, bis er fortgesetzt wird. Was wie lange behalten wird, bleibt.",
    done: "Der Zeitplan ist angehalten.",
  },
  resume: {
    title: "Zeitplan fortsetzen",
    hint: "Snapshots beginnen von selbst, und nach jedem werden die gelöscht, die der Zeitplan nicht behält.",
    done: "Der Zeitplan läuft.",
  },
  reset: {
    title: "Änderungen vergessen",
    hint: "Der nächste Snapshot liest alle Disks ganz. Kein Snapshot geht verloren.",
    button: "Vergessen",
    done: "Der nächste Snapshot liest alle Disks ganz.",
  },
  unlock: {
    title: "Freigeben",
    hint: "Macht ihn wieder verfügbar, wenn eine Sperre zurückblieb. Abgelehnt, solange etwas läuft.",
    done: "Der Workload ist wieder verfügbar.",
  },
  delete: {
    title: "Workload löschen",
    hint: "Seine Instanzen bleiben, wie sie sind, aber ungeschützt.",
    open: "Löschen …",
    lost: "Was verloren geht",
    members: (n, names) =>
      `${count(n, "Instanz ist", "Instanzen sind")} danach nicht mehr geschützt: ${names}.`,
    schedule: "Sein Zeitplan und alle Einstellungen.",
    snapshots: (n, bytes) =>
      `${count(n, "guter Snapshot ist", "gute Snapshots sind")} von hier nicht mehr erreichbar (${bytes}).`,
    noSnapshots: "Er hat keinen Snapshot, der sich zurückholen ließe.",
    keepFirst:
      "Mit Snapshots wird er nicht gelöscht. Löschen Sie sie zuerst, oder nehmen Sie ihn nur aus der Liste.",
    databaseOnly: "Nur aus dieser Liste nehmen",
    databaseOnlyHint:
      "Seine Snapshots bleiben auf dem Backup-Ziel; von dort lässt er sich wieder importieren.",
    type: (name) => `Geben Sie ${name} ein, um fortzufahren`,
    button: "Löschen",
  },
};
