import type { Secret } from "@cairn/kernel";
import type { Tls } from "./wire/secure-fetch.ts";

/** A Keystone domain, by id or by name. */
export type DomainReference = { readonly id: string } | { readonly name: string };

/** A Keystone user or project: by id, or by a name that is unique within its domain. */
export type NamedReference =
  | { readonly id: string }
  | { readonly name: string; readonly domain: DomainReference };

/** What a token shall be good for. */
export type Scope =
  | { readonly kind: "project"; readonly project: NamedReference }
  | { readonly kind: "domain"; readonly domain: DomainReference }
  | { readonly kind: "system" }
  | { readonly kind: "unscoped" };

/** What proves to Keystone who we are. */
export type Credentials =
  | {
      readonly kind: "password";
      readonly user: NamedReference;
      readonly password: Secret;
      readonly scope: Scope;
    }
  /**
   * A token that somebody else obtained. Without a scope it is used as it is and cannot be renewed (a user's
   * token that an API received); with a scope a new token is issued from it.
   */
  | { readonly kind: "token"; readonly token: Secret; readonly scope?: Scope }
  | {
      readonly kind: "application-credential";
      readonly credential: { readonly id: string } | { readonly name: string; readonly user: NamedReference };
      readonly secret: Secret;
    }
  /** The service user acts as the trustor of this trust, in the trust's project. */
  | {
      readonly kind: "trust";
      readonly user: NamedReference;
      readonly password: Secret;
      readonly trustId: string;
    };

/** Which of a service's addresses is used. */
export type EndpointInterface = "public" | "internal" | "admin";

/** Everything that a person's environment says about a cloud and who they are in it. */
export interface CloudAccess {
  readonly authUrl: string;
  readonly credentials: Credentials;
  readonly region?: string;
  readonly interface: EndpointInterface;
  /** Left out: the authorities that the program trusts anyway. */
  readonly tls?: Tls;
}
