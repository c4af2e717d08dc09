ALTER TABLE "allocations" DROP CONSTRAINT "allocations_end_reason";--> statement-breakpoint
DROP INDEX "allocations_one_live";--> statement-breakpoint
DROP INDEX "allocations_attempt";--> statement-breakpoint
ALTER TABLE "allocations" ADD COLUMN "role" text DEFAULT 'run' NOT NULL;--> statement-breakpoint
ALTER TABLE "allocations" ADD COLUMN "slot" integer DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE "allocations" ADD COLUMN "purpose" text DEFAULT 'run' NOT NULL;--> statement-breakpoint
ALTER TABLE "allocations" ADD COLUMN "took_over" text;--> statement-breakpoint
ALTER TABLE "jobs" ADD COLUMN "spares" integer DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE "jobs" ADD COLUMN "spare_waiting" jsonb;--> statement-breakpoint
ALTER TABLE "jobs" ADD COLUMN "home" text;--> statement-breakpoint
CREATE INDEX "allocations_spare" ON "allocations" USING btree ("job_id") WHERE "allocations"."role" <> 'run' and "allocations"."state" in ('submitting', 'active');--> statement-breakpoint
CREATE INDEX "jobs_protected" ON "jobs" USING btree ("id") WHERE "jobs"."spares" > 0 and "jobs"."state" in ('queued', 'provisioning', 'running', 'stopping');--> statement-breakpoint
CREATE INDEX "jobs_away" ON "jobs" USING btree ("home") WHERE "jobs"."home" is not null and "jobs"."state" = 'running';--> statement-breakpoint
CREATE UNIQUE INDEX "allocations_one_live" ON "allocations" USING btree ("job_id","slot") WHERE "allocations"."state" in ('submitting', 'active');--> statement-breakpoint
CREATE UNIQUE INDEX "allocations_attempt" ON "allocations" USING btree ("job_id","attempt") WHERE "allocations"."role" <> 'standby';--> statement-breakpoint
ALTER TABLE "allocations" ADD CONSTRAINT "allocations_role" CHECK ("allocations"."role" in ('run', 'standby', 'replica') and ("allocations"."role" = 'run') = ("allocations"."slot" = 0));--> statement-breakpoint
ALTER TABLE "allocations" ADD CONSTRAINT "allocations_purpose" CHECK ("allocations"."purpose" in ('run', 'standby', 'failover'));--> statement-breakpoint
ALTER TABLE "allocations" ADD CONSTRAINT "allocations_end_reason" CHECK ("allocations"."end_reason" in ('exited', 'cancelled', 'provider-down', 'operator-move', 'provider-drain', 'max-runtime', 'deadline', 'lease-expired', 'refused', 'lost', 'promoted', 'not-needed', 'preempted', 'failback'));