/** That a job needs somebody's approval before it may run, and who gave it. Stored with the job. */
export interface Approval {
  /** The budget whose limit it may exceed. */
  readonly budgetId: string;
  /** Its name, for people. */
  readonly budget: string;
  readonly aboveMicros: string;
  /** Null: nobody yet. */
  readonly approvedBy: string | null;
  /** RFC 3339. */
  readonly approvedAt: string | null;
  readonly note: string | null;
}
