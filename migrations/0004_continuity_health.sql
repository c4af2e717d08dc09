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
ALTER TABLE "allocations" DROP CONSTRAINT "allocations_end_reason";--> statement-breakpoint
ALTER TABLE "provider_health" ADD COLUMN "plane" text DEFAULT 'data' NOT NULL;--> statement-breakpoint
ALTER TABLE "provider_health" ADD COLUMN "region" text;--> statement-breakpoint
ALTER TABLE "provider_health" ADD COLUMN "gpu_model" text;--> statement-breakpoint
ALTER TABLE "provider_health" ADD COLUMN "samples" jsonb;--> statement-breakpoint
ALTER TABLE "providers" ADD COLUMN "control" text DEFAULT 'unknown' NOT NULL;--> statement-breakpoint
ALTER TABLE "providers" ADD COLUMN "control_reason" text DEFAULT '' NOT NULL;--> statement-breakpoint
ALTER TABLE "broker_probes" ADD CONSTRAINT "broker_probes_provider_providers_name_fk" FOREIGN KEY ("provider") REFERENCES "public"."providers"("name") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "gpu_faults" ADD CONSTRAINT "gpu_faults_provider_providers_name_fk" FOREIGN KEY ("provider") REFERENCES "public"."providers"("name") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "scope_health" ADD CONSTRAINT "scope_health_provider_providers_name_fk" FOREIGN KEY ("provider") REFERENCES "public"."providers"("name") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "gpu_faults_age" ON "gpu_faults" USING btree ("heard_at");--> statement-breakpoint
CREATE INDEX "allocations_unstarted" ON "allocations" USING btree ("placed_at","provider") WHERE "allocations"."state" in ('submitting', 'active') and "allocations"."started_at" is null;--> statement-breakpoint
ALTER TABLE "allocations" ADD CONSTRAINT "allocations_end_reason" CHECK ("allocations"."end_reason" in ('exited', 'cancelled', 'provider-down', 'provider-degraded', 'operator-move', 'provider-drain', 'max-runtime', 'deadline', 'lease-expired', 'refused', 'lost'));--> statement-breakpoint
ALTER TABLE "provider_health" ADD CONSTRAINT "provider_health_plane" CHECK ("provider_health"."plane" in ('control', 'data'));--> statement-breakpoint
ALTER TABLE "providers" ADD CONSTRAINT "providers_control" CHECK ("providers"."control" in ('unknown', 'healthy', 'degraded', 'down'));