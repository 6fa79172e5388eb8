/** Which client reads the profile. Source: headscale hscontrol/platform_config.go@f20f1f12. */
const payloadTypes = {
  ios: "io.tailscale.ipn.ios",
  "macos-app-store": "io.tailscale.ipn.macos",
  "macos-standalone": "io.tailscale.ipn.macsys",
} as const;

export type ApplePlatform = keyof typeof payloadTypes;

export const applePlatforms = Object.keys(payloadTypes) as readonly ApplePlatform[];

export function isApplePlatform(text: string): text is ApplePlatform {
  return Object.hasOwn(payloadTypes, text);
}

const identifier = "com.github.juanfont.headscale";

/**
 * A configuration profile that sets the client's control server (Apple, "Configuration Profile Reference").
 * @param uuid makes a fresh one at each call: a profile and its payload each need their own.
 */
export function appleProfile(platform: ApplePlatform, serverUrl: string, uuid: () => string): string {
  const payload = dict({
    PayloadType: payloadTypes[platform],
    PayloadUUID: uuid(),
    PayloadIdentifier: identifier,
    PayloadVersion: 1,
    PayloadEnabled: true,
    ControlURL: serverUrl,
  });
  const profile = dict({
    PayloadUUID: uuid(),
    PayloadDisplayName: "Headscale",
    PayloadDescription: `Sets the login server of Tailscale to ${serverUrl}`,
    PayloadIdentifier: identifier,
    PayloadRemovalDisallowed: false,
    PayloadType: "Configuration",
    PayloadVersion: 1,
    PayloadContent: [payload],
  });
  return `<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">
<plist version="1.0">
${profile}
</plist>
`;
}

type PlistValue = string | number | boolean | readonly string[];

/** Lists hold finished XML. */
function dict(entries: Readonly<Record<string, PlistValue>>): string {
  const rows = Object.entries(entries).map(([key, value]) => `<key>${key}</key>${plistValue(value)}`);
  return `<dict>\n${rows.join("\n")}\n</dict>`;
}

function plistValue(value: PlistValue): string {
  if (typeof value === "string") return `<string>${escapeXml(value)}</string>`;
  if (typeof value === "number") return `<integer>${value}</integer>`;
  if (typeof value === "boolean") return value ? "<true/>" : "<false/>";
  return `<array>\n${value.join("\n")}\n</array>`;
}

function escapeXml(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}
