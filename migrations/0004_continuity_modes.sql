CREATE TABLE "broker_probes" (
	"provider" text NOT NULL,
	"verb" text NOT NULL,
	"failures" integer NOT NULL,
	"failed_at" timestamp (3) with time zone NOT NULL,
	"fault" text NOT NULL,
	"detail" text NOT NULL,
	"answered_at" timestamp (3) with time zone,
	CONSTRAINT "broker_probes_provider_verb_pk" PRIMARY KEY("provider","verb"),
	CONSTRAINT "broker_probes_verb" CHECK ("broker_probes"."verb" in ('list', 'renew', 'submit', 'stop')),
	CONSTRAINT "broker_probes_fault" CHECK ("broker_probes"."fault" in ('no_capacity', 'rejected', 'unauthorized', 'throttled', 'unreachable', 'unknown_outcome'))
);
--> statement-breakpoint
CREATE TABLE "drill_cuts" (
	"drill_id" text NOT NULL,
	"provider" text NOT NULL,
	"allocation_id" text,
	"from_at" timestamp (3) with time zone NOT NULL,
	"until_at" timestamp (3) with time zone NOT NULL,
	"declared_at" timestamp (3) with time zone
);
--> statement-breakpoint
CREATE TABLE "drill_jobs" (
	"drill_id" text NOT NULL,
	"job_id" text NOT NULL,
	"canary" boolean NOT NULL,
	"provider" text NOT NULL,
	"allocation_id" text,
	"checked" jsonb,
	CONSTRAINT "drill_jobs_drill_id_job_id_pk" PRIMARY KEY("drill_id","job_id")
);
--> statement-breakpoint
CREATE TABLE "drills" (
	"id" text PRIMARY KEY NOT NULL,
	"state" text NOT NULL,
	"mode" text NOT NULL,
	"spec" jsonb NOT NULL,
	"providers" text[] NOT NULL,
	"plan" jsonb,
	"created_by" text NOT NULL,
	"created_role" text NOT NULL,
	"created_at" timestamp (3) with time zone NOT NULL,
	"confirmed_by" text,
	"confirmed_role" text,
	"confirmed_at" timestamp (3) with time zone,
	"previous_id" text,
	"due_at" timestamp (3) with time zone,
	"starts_at" timestamp (3) with time zone,
	"started_at" timestamp (3) with time zone,
	"restored_at" timestamp (3) with time zone,
	"finished_at" timestamp (3) with time zone,
	"ends_as" text,
	"reason" text,
	"report" jsonb,
	"evidence" jsonb,
	CONSTRAINT "drills_state" CHECK ("drills"."state" in ('planned', 'running', 'restoring', 'passed', 'failed', 'cancelled', 'aborted')),
	CONSTRAINT "drills_mode" CHECK ("drills"."mode" in ('tabletop', 'simulation', 'parallel', 'full')),
	CONSTRAINT "drills_ends_as" CHECK ("drills"."ends_as" in ('passed', 'failed', 'cancelled', 'aborted')),
	CONSTRAINT "drills_finished" CHECK (("drills"."state" in ('planned', 'running', 'restoring')) = ("drills"."finished_at" is null))
);
--> statement-breakpoint
CREATE TABLE "gpu_faults" (
	"provider" text NOT NULL,
	"id" text NOT NULL,
	"at" timestamp (3) with time zone NOT NULL,
	"heard_at" timestamp (3) with time zone NOT NULL,
	"device" text NOT NULL,
	"gpu_index" integer,
	"gpu_model" text,
	"xid" integer NOT NULL,
	"text" text NOT NULL,
	CONSTRAINT "gpu_faults_provider_id_pk" PRIMARY KEY("provider","id")
);
--> statement-breakpoint
CREATE TABLE "scope_health" (
	"provider" text NOT NULL,
	"region" text NOT NULL,
	"gpu_model" text NOT NULL,
	"plane" text NOT NULL,
	"state" text NOT NULL,
	"since" timestamp (3) with time zone NOT NULL,
	"reason" text NOT NULL,
	"held_until" timestamp (3) with time zone,
	"closings" integer NOT NULL,
	"samples" jsonb NOT NULL,
	CONSTRAINT "scope_health_provider_region_gpu_model_plane_pk" PRIMARY KEY("provider","region","gpu_model","plane"),
	CONSTRAINT "scope_health_plane" CHECK ("scope_health"."plane" in ('control', 'data')),
	CONSTRAINT "scope_health_state" CHECK ("scope_health"."state" in ('unknown', 'healthy', 'degraded', 'down'))
);
--> statement-breakpoint
CREATE TABLE "signing_keys" (
	"kid" text PRIMARY KEY NOT NULL,
	"x" text NOT NULL,
	"seed" text NOT NULL,
	"created_at" timestamp (3) with time zone NOT NULL
);
--> statement-breakpoint
CREATE TABLE "verifications" (
	"drill_id" text NOT NULL,
	"job_id" text NOT NULL,
	"mode" text NOT NULL,
	"from_provider" text NOT NULL,
	"to_provider" text NOT NULL,
	"gpu_model" text,
	"rto_seconds" double precision NOT NULL,
	"rpo_seconds" double precision,
	"verified_at" timestamp (3) with time zone NOT NULL,
	"valid_until" timestamp (3) with time zone NOT NULL,
	"from_version" text,
	"to_version" text,
	CONSTRAINT "verifications_drill_id_job_id_pk" PRIMARY KEY("drill_id","job_id"),
	CONSTRAINT "verifications_mode" CHECK ("verifications"."mode" in ('none', 'restart', 'standby', 'active'))
);
--> statement-breakpoint
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
ALTER TABLE "jobs" ADD COLUMN "drill_id" text;--> statement-breakpoint
ALTER TABLE "provider_health" ADD COLUMN "plane" text DEFAULT 'data' NOT NULL;--> statement-breakpoint
ALTER TABLE "provider_health" ADD COLUMN "region" text;--> statement-breakpoint
ALTER TABLE "provider_health" ADD COLUMN "gpu_model" text;--> statement-breakpoint
ALTER TABLE "provider_health" ADD COLUMN "samples" jsonb;--> statement-breakpoint
ALTER TABLE "providers" ADD COLUMN "control" text DEFAULT 'unknown' NOT NULL;--> statement-breakpoint
ALTER TABLE "providers" ADD COLUMN "control_reason" text DEFAULT '' NOT NULL;--> statement-breakpoint
ALTER TABLE "broker_probes" ADD CONSTRAINT "broker_probes_provider_providers_name_fk" FOREIGN KEY ("provider") REFERENCES "public"."providers"("name") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "drill_cuts" ADD CONSTRAINT "drill_cuts_drill_id_drills_id_fk" FOREIGN KEY ("drill_id") REFERENCES "public"."drills"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "drill_cuts" ADD CONSTRAINT "drill_cuts_provider_providers_name_fk" FOREIGN KEY ("provider") REFERENCES "public"."providers"("name") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "drill_jobs" ADD CONSTRAINT "drill_jobs_drill_id_drills_id_fk" FOREIGN KEY ("drill_id") REFERENCES "public"."drills"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "gpu_faults" ADD CONSTRAINT "gpu_faults_provider_providers_name_fk" FOREIGN KEY ("provider") REFERENCES "public"."providers"("name") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "scope_health" ADD CONSTRAINT "scope_health_provider_providers_name_fk" FOREIGN KEY ("provider") REFERENCES "public"."providers"("name") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "verifications" ADD CONSTRAINT "verifications_drill_id_drills_id_fk" FOREIGN KEY ("drill_id") REFERENCES "public"."drills"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "verifications" ADD CONSTRAINT "verifications_from_provider_providers_name_fk" FOREIGN KEY ("from_provider") REFERENCES "public"."providers"("name") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "verifications" ADD CONSTRAINT "verifications_to_provider_providers_name_fk" FOREIGN KEY ("to_provider") REFERENCES "public"."providers"("name") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "drill_cuts_holding" ON "drill_cuts" USING btree ("provider","until_at");--> statement-breakpoint
CREATE INDEX "drill_cuts_by_drill" ON "drill_cuts" USING btree ("drill_id");--> statement-breakpoint
CREATE UNIQUE INDEX "drill_cuts_once" ON "drill_cuts" USING btree ("drill_id","provider",coalesce("allocation_id", ''));--> statement-breakpoint
CREATE INDEX "drill_cuts_by_allocation" ON "drill_cuts" USING btree ("allocation_id");--> statement-breakpoint
CREATE INDEX "drills_open" ON "drills" USING btree ("id") WHERE "drills"."state" in ('planned', 'running', 'restoring');--> statement-breakpoint
CREATE INDEX "drills_active" ON "drills" USING btree ("id") WHERE "drills"."state" in ('running', 'restoring');--> statement-breakpoint
CREATE INDEX "gpu_faults_age" ON "gpu_faults" USING btree ("heard_at");--> statement-breakpoint
CREATE INDEX "verifications_by_from" ON "verifications" USING btree ("from_provider","valid_until");--> statement-breakpoint
CREATE INDEX "allocations_spare" ON "allocations" USING btree ("job_id") WHERE "allocations"."role" <> 'run' and "allocations"."state" in ('submitting', 'active');--> statement-breakpoint
CREATE INDEX "allocations_unstarted" ON "allocations" USING btree ("placed_at","provider") WHERE "allocations"."state" in ('submitting', 'active') and "allocations"."started_at" is null;--> statement-breakpoint
CREATE INDEX "jobs_protected" ON "jobs" USING btree ("id") WHERE "jobs"."spares" > 0 and "jobs"."state" in ('queued', 'provisioning', 'running', 'stopping');--> statement-breakpoint
CREATE INDEX "jobs_away" ON "jobs" USING btree ("home") WHERE "jobs"."home" is not null and "jobs"."state" = 'running';--> statement-breakpoint
CREATE INDEX "jobs_of_drill" ON "jobs" USING btree ("drill_id") WHERE "jobs"."drill_id" is not null;--> statement-breakpoint
CREATE UNIQUE INDEX "allocations_one_live" ON "allocations" USING btree ("job_id","slot") WHERE "allocations"."state" in ('submitting', 'active');--> statement-breakpoint
CREATE UNIQUE INDEX "allocations_attempt" ON "allocations" USING btree ("job_id","attempt") WHERE "allocations"."role" <> 'standby';--> statement-breakpoint
ALTER TABLE "allocations" ADD CONSTRAINT "allocations_role" CHECK ("allocations"."role" in ('run', 'standby', 'replica') and ("allocations"."role" = 'run') = ("allocations"."slot" = 0));--> statement-breakpoint
ALTER TABLE "allocations" ADD CONSTRAINT "allocations_purpose" CHECK ("allocations"."purpose" in ('run', 'standby', 'failover', 'drill'));--> statement-breakpoint
ALTER TABLE "allocations" ADD CONSTRAINT "allocations_end_reason" CHECK ("allocations"."end_reason" in ('exited', 'cancelled', 'provider-down', 'provider-degraded', 'operator-move', 'provider-drain', 'max-runtime', 'deadline', 'lease-expired', 'refused', 'lost', 'promoted', 'not-needed', 'preempted', 'failback'));--> statement-breakpoint
ALTER TABLE "provider_health" ADD CONSTRAINT "provider_health_plane" CHECK ("provider_health"."plane" in ('control', 'data'));--> statement-breakpoint
ALTER TABLE "providers" ADD CONSTRAINT "providers_control" CHECK ("providers"."control" in ('unknown', 'healthy', 'degraded', 'down'));