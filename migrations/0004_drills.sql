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
	CONSTRAINT "verifications_mode" CHECK ("verifications"."mode" in ('none', 'restart'))
);
--> statement-breakpoint
ALTER TABLE "jobs" ADD COLUMN "drill_id" text;--> statement-breakpoint
ALTER TABLE "drill_cuts" ADD CONSTRAINT "drill_cuts_drill_id_drills_id_fk" FOREIGN KEY ("drill_id") REFERENCES "public"."drills"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "drill_cuts" ADD CONSTRAINT "drill_cuts_provider_providers_name_fk" FOREIGN KEY ("provider") REFERENCES "public"."providers"("name") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "drill_jobs" ADD CONSTRAINT "drill_jobs_drill_id_drills_id_fk" FOREIGN KEY ("drill_id") REFERENCES "public"."drills"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "verifications" ADD CONSTRAINT "verifications_drill_id_drills_id_fk" FOREIGN KEY ("drill_id") REFERENCES "public"."drills"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "verifications" ADD CONSTRAINT "verifications_from_provider_providers_name_fk" FOREIGN KEY ("from_provider") REFERENCES "public"."providers"("name") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "verifications" ADD CONSTRAINT "verifications_to_provider_providers_name_fk" FOREIGN KEY ("to_provider") REFERENCES "public"."providers"("name") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "drill_cuts_holding" ON "drill_cuts" USING btree ("provider","until_at");--> statement-breakpoint
CREATE INDEX "drill_cuts_by_drill" ON "drill_cuts" USING btree ("drill_id");--> statement-breakpoint
CREATE UNIQUE INDEX "drill_cuts_once" ON "drill_cuts" USING btree ("drill_id","provider",coalesce("allocation_id", ''));--> statement-breakpoint
CREATE INDEX "drill_cuts_by_allocation" ON "drill_cuts" USING btree ("allocation_id");--> statement-breakpoint
CREATE INDEX "drills_open" ON "drills" USING btree ("id") WHERE "drills"."state" in ('planned', 'running', 'restoring');--> statement-breakpoint
CREATE INDEX "drills_active" ON "drills" USING btree ("id") WHERE "drills"."state" in ('running', 'restoring');--> statement-breakpoint
CREATE INDEX "verifications_by_from" ON "verifications" USING btree ("from_provider","valid_until");--> statement-breakpoint
CREATE INDEX "jobs_of_drill" ON "jobs" USING btree ("drill_id") WHERE "jobs"."drill_id" is not null;