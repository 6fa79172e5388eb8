/**
 * What users of an identity provider are found by: issuer and subject as one text. Databases of headscale hold it in this
 * form, escapes of Go's url package included. Source: headscale f20f1f12 hscontrol/types/users.go (Identifier).
 * `undefined` for subjects that could be read as another's: control characters, outer white space, empty path segments.
 */
export function providerIdOf(issuer: string, subject: string): string | undefined {
  const segments = subject.split("/");
  if (subject.length > maxSubjectLength || /[\p{Cc}\p{Cs}]/u.test(subject)) return undefined;
  if (segments.some((segment) => segment === "" || segment.trim() !== segment)) return undefined;
  const id = `${issuer.replace(/\/+$/, "")}/${subject}`;
  const scheme = /^[a-z][a-z0-9+.-]*:\/\//i.exec(id)?.[0] ?? "";
  const rest = id.slice(scheme.length);
  return scheme === "" ? rest : scheme.toLowerCase() + escaped(rest);
}

/** OpenID Connect Core 1.0 section 2 allows 255 ASCII characters. */
const maxSubjectLength = 255;
/** What Go writes as it is in a path, a query and a fragment, as long as nothing in the path has to be escaped. */
const plainPath = /^(?:[A-Za-z0-9\-_.~!$&'()*+,;=:@[\]/]|%[0-9A-Fa-f]{2})*$/;

function escaped(rest: string): string {
  const end = rest.search(/[?#]/);
  const [path, tail] = end < 0 ? [rest, ""] : [rest.slice(0, end), rest.slice(end)];
  if (plainPath.test(path)) return path + tail;
  const encoded = encodeURI(path).replace(/[!'()*[\]]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`);
  return encoded + tail;
}
