import { html } from "hono/html";
import { commandBox } from "./page/page.ts";

/** `/`: what this is, and how a device gets in. */
export function homePage(serverUrl: string) {
  const body = html`<div class="card">
<h1>A coordination server for Tailscale clients</h1>
<p>Devices that log in here find each other and talk directly, encrypted from end to end.</p>
<h2>Connect a device</h2>
<p>Install Tailscale on it, then run:</p>
${commandBox(`tailscale up --login-server ${serverUrl}`)}
<p>On a phone or with the app: <a href="/apple">iPhone, iPad, Mac, Apple TV</a> · <a href="/android">Android</a> · <a href="/windows">Windows</a></p>
</div>`;
  return { title: "Welcome", body };
}

/** `/windows` */
export function windowsPage(serverUrl: string) {
  const body = html`<div class="card">
<h1>Connect a Windows computer</h1>
<ol>
<li>Install <a href="https://tailscale.com/download/windows" rel="noreferrer">Tailscale for Windows</a>.</li>
<li>Open PowerShell or the command prompt and run:</li>
</ol>
${commandBox(`tailscale login --login-server ${serverUrl}`)}
<p>A browser opens and shows how the login goes on.</p>
</div>`;
  return { title: "Windows", body };
}

/** `/android` */
export function androidPage(serverUrl: string) {
  const body = html`<div class="card">
<h1>Connect an Android device</h1>
<ol>
<li>Install Tailscale from the Play Store or F-Droid and open it.</li>
<li>Open the account list at the top right, then the menu (three dots), then <strong>Use an alternate server</strong>.</li>
<li>Enter this address and add the account:</li>
</ol>
${commandBox(serverUrl)}
<p>A browser opens and shows how the login goes on.</p>
</div>`;
  return { title: "Android", body };
}

/** `/apple` */
export function applePage(serverUrl: string) {
  const body = html`<div class="card">
<h1>Connect an Apple device</h1>
<p>Every way below needs the address of this server:</p>
${commandBox(serverUrl)}
<h2>iPhone and iPad</h2>
<ol>
<li>Install <a href="https://apps.apple.com/app/tailscale/id1470499037" rel="noreferrer">Tailscale</a> from the App Store and open it.</li>
<li>Tap the account at the top right, then <strong>Log in…</strong></li>
<li>In the menu at the top right choose <strong>Use custom coordination server</strong> and enter the address.</li>
</ol>
<h2>Mac</h2>
<p>In a terminal:</p>
${commandBox(`tailscale login --login-server ${serverUrl}`)}
<p>Or in the app: hold Option, click the Tailscale icon, open <strong>Debug</strong>, then under <strong>Custom Login Server</strong> choose <strong>Add Account…</strong></p>
<h2>Mac, with a profile</h2>
<p>A configuration profile makes this server the default for everybody on the Mac. Look at it before you install it.</p>
<p><a class="button" href="/apple/macos-app-store">For the App Store version</a><a class="button" href="/apple/macos-standalone">For the standalone version</a></p>
<p class="quiet">Open the downloaded file, then allow it in System Settings under Profiles, and restart Tailscale. The same by command:</p>
${commandBox(`defaults write io.tailscale.ipn.macos ControlURL ${serverUrl}`)}
${commandBox(`defaults write io.tailscale.ipn.macsys ControlURL ${serverUrl}`)}
<p class="quiet">The first is for the App Store version, the second for the standalone version.</p>
<h2>Apple TV</h2>
<ol>
<li>Install Tailscale, but do not open it yet.</li>
<li>In the Settings of the Apple TV open <strong>Apps</strong>, <strong>Tailscale</strong>, and enter the address under <strong>Alternate coordination server URL</strong>.</li>
<li>Open Tailscale, allow the VPN configuration, and scan the code that it shows.</li>
</ol>
<p class="quiet">The profile for iPhone and iPad, for device management: <a href="/apple/ios">/apple/ios</a></p>
</div>`;
  return { title: "Apple devices", body };
}
