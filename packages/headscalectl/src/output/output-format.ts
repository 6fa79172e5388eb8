export const outputFormats = ["table", "wide", "json", "json-line", "yaml"] as const;
/** `table` and `wide` are for people, the others for machines. */
export type OutputFormat = (typeof outputFormats)[number];
