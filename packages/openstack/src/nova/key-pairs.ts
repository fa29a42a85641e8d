/** An SSH key pair of the token's user; Nova knows it by name. */
export interface KeyPair {
  readonly name: string;
  readonly type: "ssh" | "x509";
  readonly fingerprint: string;
  readonly publicKey: string;
}

export interface KeyPairs {
  list(signal?: AbortSignal): Promise<readonly KeyPair[]>;
  find(name: string, signal?: AbortSignal): Promise<KeyPair | undefined>;
  /** Imports a public key; 409 when the name is taken. */
  create(keyPair: Omit<KeyPair, "fingerprint">, signal?: AbortSignal): Promise<KeyPair>;
  delete(name: string, signal?: AbortSignal): Promise<void>;
}
