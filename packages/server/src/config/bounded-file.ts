import { open } from "node:fs/promises";

/**
 * The text of a file that the configuration names. Reads no more than `maxBytes`, whatever the file system says about its size.
 * @throws the system's error, or one that names `limits.file_size`
 */
export async function readBoundedFile(path: string, maxBytes: number): Promise<string> {
  await using file = await open(path, "r");
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of file.createReadStream({ autoClose: false, end: maxBytes })) {
    chunks.push(chunk);
    bytes += chunk.length;
  }
  if (bytes > maxBytes) throw new Error(`is larger than ${maxBytes} bytes (limits.file_size)`);
  return Buffer.concat(chunks).toString("utf8");
}
