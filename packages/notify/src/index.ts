export { type MailServer, type OutgoingMail, sendMail } from "./mail.ts";
export {
  findReceiver,
  isReachable,
  networkList,
  type Reach,
  type Receiver,
  type Resolve,
} from "./receivers.ts";
export { postWebhook, type WebhookRequest } from "./webhook.ts";
