CREATE TABLE "decision_inputs" (
	"id" text PRIMARY KEY NOT NULL,
	"at" timestamp (3) with time zone NOT NULL,
	"engine" text NOT NULL,
	"body" "bytea" NOT NULL
);
--> statement-breakpoint
CREATE TABLE "market_parts" (
	"hash" text PRIMARY KEY NOT NULL,
	"at" timestamp (3) with time zone NOT NULL,
	"body" "bytea" NOT NULL
);
--> statement-breakpoint
CREATE TABLE "policies" (
	"name" text PRIMARY KEY NOT NULL,
	"body" jsonb NOT NULL,
	"version" integer DEFAULT 1 NOT NULL,
	"updated_at" timestamp (3) with time zone NOT NULL,
	"updated_by" text NOT NULL,
	CONSTRAINT "policies_name" CHECK ("policies"."name" in ('data-grades', 'capacity-classes', 'gpu-speeds'))
);
--> statement-breakpoint
CREATE TABLE "pools" (
	"provider" text NOT NULL,
	"name" text NOT NULL,
	"gpus" integer NOT NULL,
	"cpu_millis" bigint,
	"memory_mib" bigint,
	"used_gpus" integer DEFAULT 0 NOT NULL,
	"used_cpu_millis" bigint DEFAULT 0 NOT NULL,
	"used_memory_mib" bigint DEFAULT 0 NOT NULL,
	CONSTRAINT "pools_provider_name_pk" PRIMARY KEY("provider","name"),
	CONSTRAINT "pools_counts" CHECK ("pools"."gpus" >= 0 and "pools"."used_gpus" >= 0 and "pools"."used_cpu_millis" >= 0 and "pools"."used_memory_mib" >= 0)
);
--> statement-breakpoint
CREATE TABLE "quotes" (
	"id" text PRIMARY KEY NOT NULL,
	"organization" text NOT NULL,
	"project" text NOT NULL,
	"created_by" text NOT NULL,
	"created_at" timestamp (3) with time zone NOT NULL,
	"expires_at" timestamp (3) with time zone NOT NULL,
	"ask_hash" text NOT NULL,
	"held" jsonb,
	"body" jsonb NOT NULL
);
--> statement-breakpoint
DROP INDEX "jobs_queue";--> statement-breakpoint
ALTER TABLE "allocations" ADD COLUMN "nodes" integer DEFAULT 1 NOT NULL;--> statement-breakpoint
ALTER TABLE "allocations" ADD COLUMN "pool" text;--> statement-breakpoint
ALTER TABLE "allocations" ADD COLUMN "pool_gpus" integer DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE "allocations" ADD COLUMN "pool_cpu_millis" bigint DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE "allocations" ADD COLUMN "pool_memory_mib" bigint DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE "decisions" ADD COLUMN "input_id" text;--> statement-breakpoint
ALTER TABLE "jobs" ADD COLUMN "queue_rank" bigint;--> statement-breakpoint
-- What core/placement/queue.ts computes for a new job, and the words that a spec has had since, as nobody had said them.
UPDATE "jobs" SET "queue_rank" = floor(extract(epoch from "created_at") * 1000)::bigint - "priority" * 360000,
	"spec" = "spec" || jsonb_build_object(
		'quoteId', null,
		'resources', jsonb_set("spec"->'resources', '{gpu}', '{"class": null}'::jsonb || ("spec"#>'{resources,gpu}')),
		'continuity', '{"minSeparationKm": null}'::jsonb || ("spec"->'continuity'),
		'placement', '{"realms": [], "certifications": [], "dataGrade": null, "maxPricePerJob": null, "minSeparationKm": null, "drVerified": false}'::jsonb || ("spec"->'placement'));--> statement-breakpoint
ALTER TABLE "jobs" ALTER COLUMN "queue_rank" SET NOT NULL;--> statement-breakpoint
ALTER TABLE "jobs" ADD COLUMN "quote" jsonb;--> statement-breakpoint
ALTER TABLE "offers" ADD COLUMN "gpu_form_factor" text;--> statement-breakpoint
ALTER TABLE "offers" ADD COLUMN "pool" text;--> statement-breakpoint
ALTER TABLE "organizations" ADD COLUMN "rules" jsonb;--> statement-breakpoint
ALTER TABLE "organizations" ADD COLUMN "rules_version" integer DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE "organizations" ADD COLUMN "rules_updated_at" timestamp (3) with time zone;--> statement-breakpoint
ALTER TABLE "projects" ADD COLUMN "rules" jsonb;--> statement-breakpoint
ALTER TABLE "projects" ADD COLUMN "rules_version" integer DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE "projects" ADD COLUMN "rules_updated_at" timestamp (3) with time zone;--> statement-breakpoint
ALTER TABLE "providers" ADD COLUMN "attested_at" timestamp (3) with time zone;--> statement-breakpoint
ALTER TABLE "providers" ADD COLUMN "attested_by" text;--> statement-breakpoint
ALTER TABLE "providers" ADD COLUMN "offers_version" bigint DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE "pools" ADD CONSTRAINT "pools_provider_providers_name_fk" FOREIGN KEY ("provider") REFERENCES "public"."providers"("name") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "quotes_age" ON "quotes" USING btree ("expires_at");--> statement-breakpoint
ALTER TABLE "offers" ADD CONSTRAINT "offers_provider_pool_pools_provider_name_fk" FOREIGN KEY ("provider","pool") REFERENCES "public"."pools"("provider","name") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "offers_used" ON "offers" USING btree ("provider","name") WHERE "offers"."used" > 0;--> statement-breakpoint
CREATE INDEX "jobs_queue" ON "jobs" USING btree ("project","queue_rank","id") WHERE "jobs"."state" = 'queued';--> statement-breakpoint
ALTER TABLE "offers" ADD CONSTRAINT "offers_form_factor" CHECK ("offers"."gpu_form_factor" in ('SXM', 'PCIe', 'NVL'));