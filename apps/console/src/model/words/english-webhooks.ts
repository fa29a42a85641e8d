import type { NoticeEvent } from "../webhook-draft.ts";
import { pluralOf } from "./plural.ts";

const count = pluralOf("en");

/** Where notices go beside mail, and what became of them, in English. */
export const webhooksEnglish = {
  list: "Webhooks",
  hint: (project: string) =>
    `Other programs are told what happens, by signed requests. These are of the project ${project}; ` +
    "one that hears of all projects is an operator's alone.",
  name: "Name",
  url: "Address",
  urlHint: "http:// or https://; without a user and a password.",
  events: "Hears of",
  allEvents: "everything",
  event: {
    "snapshot.succeeded": "Snapshot taken",
    "snapshot.failed": "Snapshot failed",
    "snapshot.cancelled": "Snapshot cancelled",
    "restore.succeeded": "Restore done",
    "restore.failed": "Restore failed",
    "restore.cancelled": "Restore cancelled",
    "quota.watermark": "Quota nearly used",
  } satisfies Record<NoticeEvent, string>,
  tests: { "email.test": "Test mail", "webhook.test": "Test" },
  whose: "Of whom",
  all: "all projects",
  own: "this project",
  isForAll: "All projects",
  isForAllMeans: "It hears of every project. This cannot be changed later.",
  state: "State",
  on: "On",
  off: "Off",
  actions: "Actions",
  empty: "There is no webhook",
  emptyHint: "Chats, ticket systems and scripts can be told of failures as they happen.",
  create: "New webhook",
  change: "Change",
  changeOf: (name: string) => `Change the webhook ${name}`,
  isOn: "Switched on",
  isOnMeans: "While it is off nothing is sent to it, nor made up for later.",
  save: "Save",
  rotate: "New secret",
  rotateOf: (name: string) => `Make a new secret for ${name}`,
  rotateMeans: "Requests are signed with both secrets for a day, so that the receiver can learn the new one.",
  delete: "Delete",
  deleteOf: (name: string) => `Delete the webhook ${name}`,
  deleteMeans: (url: string) => `Nothing more is sent to ${url}, not even what is on its way.`,
  test: "Test",
  testOf: (name: string) => `Test the webhook ${name}`,
  testMeans: (url: string) => `Sends one signed request to ${url}, and waits for the answer.`,
  send: "Send the test",
  close: "Done",
  secretOf: (name: string) => `The secret of ${name}`,
  secretMeans:
    "It is shown this once. Give it to the receiver, which proves with it that requests come from here.",
  secret: "Secret",
  secretKept: "I have kept it",
  problems: {
    name: "Give it a name.",
    url: "Give an address that begins with http:// or https://.",
    events: "Choose something to hear of.",
  },
  deliveries: "What was sent in the last two weeks",
  deliveriesHint: "Mails and webhooks of all projects, the newest first.",
  status: "Outcome",
  statuses: { waiting: "On its way", sent: "Sent", failed: "Failed", dropped: "Not sent" },
  what: "What",
  to: "To",
  channels: { email: "by mail", webhook: "by webhook" },
  nowhere: "nobody",
  when: "When",
  attempts: (n: number) => count(n, "attempt", "attempts"),
  noDeliveries: "Nothing was sent",
  retry: "Send again",
  otherProject: "It is another project's: send it again from there.",
  page: (n: number) => count(n, "notice on this page", "notices on this page"),
};

/** Where notices go beside mail, and what became of them. */
export type WebhookWords = typeof webhooksEnglish;
