/** A policy that was read and found valid. */
export interface Policy {
  /** The text as it was submitted. */
  readonly text: string;
}
