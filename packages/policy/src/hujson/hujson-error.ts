/** Text that is no HuJSON; `index` is the string index of the trouble. */
export class HujsonError extends Error {
  override readonly name = "HujsonError";
  readonly index: number;

  constructor(index: number, message: string, options?: ErrorOptions) {
    super(message, options);
    this.index = index;
  }
}
