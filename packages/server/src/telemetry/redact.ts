/** Texts that open something: private keys, pre-auth and API keys (headscale's and Tailscale's), OAuth secrets, bearer headers. */
const credential =
  /\b(privkey:|nlpriv:|hskey-(?:auth|api|client|oauthtok)-|tskey-[a-z]+-|bearer\s+|basic\s+)[\w.~+/=-]{4,}/gi;

/** Pre-auth keys of the first versions: 48 hex digits and nothing else around them. */
const bareKey = /(?<![\w:])[0-9a-f]{48}(?![\w])/gi;

const secretName = /(?:pass(?:word|wd)?|secret|token|authorization|cookie|private_?key|api_?key|auth_?key|hmac_?key)$/i;

/** Whether a field of this name is left out of the log whatever it holds. */
export function isSecretName(name: string): boolean {
  return secretName.test(name);
}

/** The text without anything in it that opens a door; what kind of thing it was stays readable. */
export function redact(text: string): string {
  return text.replace(credential, "$1[redacted]").replace(bareKey, "[redacted]");
}
