/** What is asked of a batch scheduler. Its memory is never the truth: what it has forgotten counts as ended. */
export interface QueuedJob {
  /** Of the whole array. */
  id: string;
  /** `17_4`, `17_[5-9]`, or the id of a job that is no array. */
  task: string;
  name: string;
  /** PENDING, RUNNING, COMPLETING, ... */
  state: string;
  /** Why it waits, or where it runs. */
  reason: string;
}

export interface Scheduler {
  /**
   * Hands over the script at `path`, whose job name is `name`, to begin when all jobs of `after` have ended in whatever way; answers the id.
   * Throws a `SchedulerError`.
   */
  submit(path: string, name: string, after: readonly string[]): Promise<string>;
  /** Those of the named jobs that have not ended. Throws a `SchedulerError` when it cannot be asked. */
  queue(names: readonly string[]): Promise<QueuedJob[]>;
  /** Ends jobs; those that have ended already are no error. */
  cancel(ids: readonly string[]): Promise<void>;
  /** An index of an array must be below `size`; `assumed` says why it had to be assumed. */
  maxArraySize(): Promise<{ size: number; assumed?: string }>;
}
