/** A key with its prefix: versions up to 0.22 stored only the hex digits. Source: headscale v0.23.0 hscontrol/db/db.go migration 202312101416. */
export function keyText(prefix: "mkey" | "nodekey" | "discokey", text: string): string {
  return text.startsWith(`${prefix}:`) ? text : `${prefix}:${text}`;
}
