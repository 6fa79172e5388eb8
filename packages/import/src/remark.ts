/** What was mended, or left out, on the way. */
export interface Remark {
  /** `node 7`, `user 2`, `pre-auth key 3` … */
  readonly about: string;
  /** The end of a sentence that begins with `about`. */
  readonly says: string;
}

export type Remarks = (about: string, says: string) => void;
