export { type MailServer, type OutgoingMail, sendMail } from "./mail.ts";
export {
  findReceiver,
  networkList,
  type Reach,
  type Receiver,
  type Resolve,
} from "./receivers.ts";
export {
  type MailServerOptions,
  startTestMailServer,
  type TakenMail,
  type TestMailServer,
} from "./testing/mail-server.ts";
export { type GotRequest, startTestReceiver, type TestReceiver } from "./testing/webhook-receiver.ts";
export { postWebhook, type WebhookRequest } from "./webhook.ts";
