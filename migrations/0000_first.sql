CREATE TABLE "allocations" (
	"id" text PRIMARY KEY NOT NULL,
	"job_id" text NOT NULL,
	"attempt" integer NOT NULL,
	"provider" text NOT NULL,
	"offer" text NOT NULL,
	"region" text NOT NULL,
	"spot" boolean NOT NULL,
	"state" text NOT NULL,
	"list_price_micros_per_hour" bigint NOT NULL,
	"list_currency" text NOT NULL,
	"rate_micros" bigint NOT NULL,
	"price_micros_per_hour" bigint NOT NULL,
	"gpu_count" integer NOT NULL,
	"grace_seconds" integer NOT NULL,
	"placed_at" timestamp (3) with time zone NOT NULL,
	"lease_until" timestamp (3) with time zone NOT NULL,
	"started_at" timestamp (3) with time zone,
	"releasing_at" timestamp (3) with time zone,
	"released_at" timestamp (3) with time zone,
	"end_reason" text,
	"end_detail" text,
	"outcome" text,
	"exit_code" integer,
	"endpoint" text,
	"serving" boolean,
	"serving_at" timestamp (3) with time zone,
	"metered_seconds" bigint DEFAULT 0 NOT NULL,
	"charged_micros" bigint DEFAULT 0 NOT NULL,
	"restored_checkpoint" text,
	CONSTRAINT "allocations_state" CHECK ("allocations"."state" in ('submitting', 'active', 'releasing', 'released')),
	CONSTRAINT "allocations_end_reason" CHECK ("allocations"."end_reason" in ('exited', 'cancelled', 'provider-down', 'operator-move', 'provider-drain', 'max-runtime', 'deadline', 'lease-expired', 'refused', 'lost')),
	CONSTRAINT "allocations_released" CHECK (("allocations"."state" = 'released') = ("allocations"."released_at" is not null))
);
--> statement-breakpoint
CREATE TABLE "audit" (
	"seq" bigint PRIMARY KEY NOT NULL,
	"at" timestamp (3) with time zone NOT NULL,
	"actor" text NOT NULL,
	"role" text NOT NULL,
	"action" text NOT NULL,
	"target" text NOT NULL,
	"request_id" text,
	"data" jsonb NOT NULL,
	"previous_hash" text NOT NULL,
	"hash" text NOT NULL
);
--> statement-breakpoint
CREATE TABLE "checkpoints" (
	"id" text PRIMARY KEY NOT NULL,
	"job_id" text NOT NULL,
	"allocation_id" text NOT NULL,
	"attempt" integer NOT NULL,
	"complete" boolean NOT NULL,
	"size_bytes" bigint,
	"sha256" text,
	"location" text NOT NULL,
	"created_at" timestamp (3) with time zone NOT NULL,
	"completed_at" timestamp (3) with time zone,
	CONSTRAINT "checkpoints_complete" CHECK (not "checkpoints"."complete" or ("checkpoints"."size_bytes" is not null and "checkpoints"."sha256" is not null and "checkpoints"."completed_at" is not null))
);
--> statement-breakpoint
CREATE TABLE "decisions" (
	"id" text PRIMARY KEY NOT NULL,
	"job_id" text NOT NULL,
	"at" timestamp (3) with time zone NOT NULL,
	"allocation_id" text,
	"body" jsonb NOT NULL
);
--> statement-breakpoint
CREATE TABLE "engine_facts" (
	"name" text PRIMARY KEY NOT NULL,
	"value" jsonb NOT NULL,
	"updated_at" timestamp (3) with time zone NOT NULL
);
--> statement-breakpoint
CREATE TABLE "events" (
	"seq" bigserial PRIMARY KEY NOT NULL,
	"job_id" text NOT NULL,
	"at" timestamp (3) with time zone NOT NULL,
	"type" text NOT NULL,
	"reason" text NOT NULL,
	"detail" text,
	"allocation_id" text,
	"data" jsonb
);
--> statement-breakpoint
CREATE TABLE "exchange_rates" (
	"currency" text NOT NULL,
	"as_of" timestamp (3) with time zone NOT NULL,
	"rate_micros" bigint NOT NULL,
	"created_at" timestamp (3) with time zone NOT NULL,
	CONSTRAINT "exchange_rates_currency_as_of_pk" PRIMARY KEY("currency","as_of"),
	CONSTRAINT "exchange_rates_positive" CHECK ("exchange_rates"."rate_micros" > 0)
);
--> statement-breakpoint
CREATE TABLE "idempotency" (
	"principal" text NOT NULL,
	"key" text NOT NULL,
	"fingerprint" text NOT NULL,
	"status" integer NOT NULL,
	"sealed" text,
	"job_id" text,
	"created_at" timestamp (3) with time zone NOT NULL,
	CONSTRAINT "idempotency_principal_key_pk" PRIMARY KEY("principal","key")
);
--> statement-breakpoint
CREATE TABLE "installation" (
	"id" integer PRIMARY KEY DEFAULT 1 NOT NULL,
	"currency" text NOT NULL,
	"created_at" timestamp (3) with time zone NOT NULL,
	CONSTRAINT "installation_one_row" CHECK ("installation"."id" = 1)
);
--> statement-breakpoint
CREATE TABLE "jobs" (
	"id" text PRIMARY KEY NOT NULL,
	"organization" text NOT NULL,
	"project" text NOT NULL,
	"name" text NOT NULL,
	"kind" text NOT NULL,
	"spec" jsonb NOT NULL,
	"priority" integer NOT NULL,
	"state" text NOT NULL,
	"reason" text NOT NULL,
	"reason_detail" text,
	"waiting" jsonb,
	"stopping_to" text,
	"current_allocation_id" text,
	"attempts" integer DEFAULT 0 NOT NULL,
	"failed_starts" integer DEFAULT 0 NOT NULL,
	"not_before" timestamp (3) with time zone,
	"move_to" text,
	"avoid" jsonb DEFAULT '{}'::jsonb NOT NULL,
	"exit_code" integer,
	"created_at" timestamp (3) with time zone NOT NULL,
	"queued_at" timestamp (3) with time zone NOT NULL,
	"started_at" timestamp (3) with time zone,
	"finished_at" timestamp (3) with time zone,
	"deadline_at" timestamp (3) with time zone,
	"created_by" text NOT NULL,
	"version" integer DEFAULT 1 NOT NULL,
	CONSTRAINT "jobs_state" CHECK ("jobs"."state" in ('queued', 'provisioning', 'running', 'stopping', 'succeeded', 'failed', 'cancelled')),
	CONSTRAINT "jobs_stopping" CHECK (("jobs"."state" = 'stopping') = ("jobs"."stopping_to" is not null)),
	CONSTRAINT "jobs_waiting" CHECK ("jobs"."waiting" is null or "jobs"."state" = 'queued'),
	CONSTRAINT "jobs_finished" CHECK (("jobs"."state" in ('queued', 'provisioning', 'running', 'stopping')) = ("jobs"."finished_at" is null))
);
--> statement-breakpoint
CREATE TABLE "keys" (
	"id" text PRIMARY KEY NOT NULL,
	"role" text NOT NULL,
	"secret_hash" text NOT NULL,
	"projects" text[] NOT NULL,
	"organization" text,
	"vendor" text,
	"provider" text,
	"note" text,
	"created_at" timestamp (3) with time zone NOT NULL,
	"created_by" text NOT NULL,
	"expires_at" timestamp (3) with time zone,
	"revoked_at" timestamp (3) with time zone,
	CONSTRAINT "keys_role" CHECK ("keys"."role" in ('admin', 'operator', 'budgetOfficer', 'member', 'vendor', 'auditor', 'agent'))
);
--> statement-breakpoint
CREATE TABLE "log_chunks" (
	"seq" bigserial PRIMARY KEY NOT NULL,
	"job_id" text NOT NULL,
	"allocation_id" text NOT NULL,
	"start_byte" bigint NOT NULL,
	"bytes" integer NOT NULL,
	"text" text NOT NULL,
	"at" timestamp (3) with time zone NOT NULL
);
--> statement-breakpoint
CREATE TABLE "offers" (
	"provider" text NOT NULL,
	"name" text NOT NULL,
	"region" text NOT NULL,
	"gpu_model" text,
	"gpu_count" integer NOT NULL,
	"gpu_memory_gib" double precision NOT NULL,
	"cpus" double precision NOT NULL,
	"memory_gib" double precision NOT NULL,
	"capacity" integer NOT NULL,
	"used" integer DEFAULT 0 NOT NULL,
	"price_micros_per_hour" bigint,
	"spot_price_micros_per_hour" bigint,
	"currency" text NOT NULL,
	"effective_from" timestamp (3) with time zone,
	"listed" jsonb,
	"withdrawn_at" timestamp (3) with time zone,
	"version" integer DEFAULT 1 NOT NULL,
	"updated_at" timestamp (3) with time zone NOT NULL,
	CONSTRAINT "offers_provider_name_pk" PRIMARY KEY("provider","name"),
	CONSTRAINT "offers_counts" CHECK ("offers"."capacity" >= 0 and "offers"."used" >= 0 and "offers"."gpu_count" >= 0),
	CONSTRAINT "offers_gpu" CHECK (("offers"."gpu_model" is null) = ("offers"."gpu_count" = 0)),
	CONSTRAINT "offers_prices" CHECK (coalesce("offers"."price_micros_per_hour", 0) >= 0 and coalesce("offers"."spot_price_micros_per_hour", 0) >= 0)
);
--> statement-breakpoint
CREATE TABLE "organizations" (
	"name" text PRIMARY KEY NOT NULL,
	"created_at" timestamp (3) with time zone NOT NULL
);
--> statement-breakpoint
CREATE TABLE "projects" (
	"name" text PRIMARY KEY NOT NULL,
	"organization" text NOT NULL,
	"created_at" timestamp (3) with time zone NOT NULL
);
--> statement-breakpoint
CREATE TABLE "provider_health" (
	"seq" bigserial PRIMARY KEY NOT NULL,
	"provider" text NOT NULL,
	"at" timestamp (3) with time zone NOT NULL,
	"source" text NOT NULL,
	"state" text NOT NULL,
	"reason" text NOT NULL,
	"valid_from" timestamp (3) with time zone,
	"valid_until" timestamp (3) with time zone
);
--> statement-breakpoint
CREATE TABLE "providers" (
	"name" text PRIMARY KEY NOT NULL,
	"vendor" text NOT NULL,
	"broker_kind" text NOT NULL,
	"broker_settings" jsonb NOT NULL,
	"site" jsonb NOT NULL,
	"realm" text NOT NULL,
	"certifications" jsonb NOT NULL,
	"mode" text NOT NULL,
	"health" text NOT NULL,
	"health_since" timestamp (3) with time zone NOT NULL,
	"health_reason" text NOT NULL,
	"last_contact_at" timestamp (3) with time zone,
	"contact_since" timestamp (3) with time zone,
	"orders_version" bigint DEFAULT 0 NOT NULL,
	"agent_instance" text,
	"agent_sequence" bigint,
	"agent_version" text,
	"inventory" jsonb,
	"version" integer DEFAULT 1 NOT NULL,
	"created_at" timestamp (3) with time zone NOT NULL,
	CONSTRAINT "providers_broker_kind" CHECK ("providers"."broker_kind" in ('process', 'agent')),
	CONSTRAINT "providers_realm" CHECK ("providers"."realm" in ('public', 'government', 'on-premises')),
	CONSTRAINT "providers_mode" CHECK ("providers"."mode" in ('active', 'draining')),
	CONSTRAINT "providers_health" CHECK ("providers"."health" in ('unknown', 'healthy', 'degraded', 'down'))
);
--> statement-breakpoint
ALTER TABLE "allocations" ADD CONSTRAINT "allocations_job_id_jobs_id_fk" FOREIGN KEY ("job_id") REFERENCES "public"."jobs"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "allocations" ADD CONSTRAINT "allocations_provider_offer_offers_provider_name_fk" FOREIGN KEY ("provider","offer") REFERENCES "public"."offers"("provider","name") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "jobs" ADD CONSTRAINT "jobs_organization_organizations_name_fk" FOREIGN KEY ("organization") REFERENCES "public"."organizations"("name") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "jobs" ADD CONSTRAINT "jobs_project_projects_name_fk" FOREIGN KEY ("project") REFERENCES "public"."projects"("name") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "offers" ADD CONSTRAINT "offers_provider_providers_name_fk" FOREIGN KEY ("provider") REFERENCES "public"."providers"("name") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "projects" ADD CONSTRAINT "projects_organization_organizations_name_fk" FOREIGN KEY ("organization") REFERENCES "public"."organizations"("name") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "provider_health" ADD CONSTRAINT "provider_health_provider_providers_name_fk" FOREIGN KEY ("provider") REFERENCES "public"."providers"("name") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
CREATE UNIQUE INDEX "allocations_one_live" ON "allocations" USING btree ("job_id") WHERE "allocations"."state" in ('submitting', 'active');--> statement-breakpoint
CREATE UNIQUE INDEX "allocations_attempt" ON "allocations" USING btree ("job_id","attempt");--> statement-breakpoint
CREATE INDEX "allocations_holding" ON "allocations" USING btree ("provider") WHERE "allocations"."state" in ('submitting', 'active', 'releasing');--> statement-breakpoint
CREATE INDEX "allocations_by_provider" ON "allocations" USING btree ("provider","id" DESC NULLS FIRST);--> statement-breakpoint
CREATE INDEX "audit_actor" ON "audit" USING btree ("actor","seq" DESC NULLS FIRST);--> statement-breakpoint
CREATE INDEX "audit_action" ON "audit" USING btree ("action","seq" DESC NULLS FIRST);--> statement-breakpoint
CREATE INDEX "audit_target" ON "audit" USING btree ("target","seq" DESC NULLS FIRST);--> statement-breakpoint
CREATE INDEX "checkpoints_latest" ON "checkpoints" USING btree ("job_id","id" DESC NULLS FIRST) WHERE "checkpoints"."complete";--> statement-breakpoint
CREATE INDEX "checkpoints_by_allocation" ON "checkpoints" USING btree ("allocation_id");--> statement-breakpoint
CREATE INDEX "decisions_by_job" ON "decisions" USING btree ("job_id","id" DESC NULLS FIRST);--> statement-breakpoint
CREATE INDEX "events_by_job" ON "events" USING btree ("job_id","seq");--> statement-breakpoint
CREATE INDEX "idempotency_age" ON "idempotency" USING btree ("created_at");--> statement-breakpoint
CREATE INDEX "jobs_queue" ON "jobs" USING btree ("priority" DESC NULLS FIRST,"id") WHERE "jobs"."state" = 'queued';--> statement-breakpoint
CREATE INDEX "jobs_live" ON "jobs" USING btree ("state") WHERE "jobs"."state" in ('queued', 'provisioning', 'running', 'stopping');--> statement-breakpoint
CREATE INDEX "jobs_deadline" ON "jobs" USING btree ("deadline_at") WHERE "jobs"."deadline_at" is not null and "jobs"."state" in ('queued', 'provisioning', 'running', 'stopping');--> statement-breakpoint
CREATE INDEX "jobs_by_project" ON "jobs" USING btree ("project","id" DESC NULLS FIRST);--> statement-breakpoint
CREATE INDEX "jobs_by_organization" ON "jobs" USING btree ("organization","id" DESC NULLS FIRST);--> statement-breakpoint
CREATE UNIQUE INDEX "keys_secret_hash" ON "keys" USING btree ("secret_hash");--> statement-breakpoint
CREATE INDEX "log_chunks_by_job" ON "log_chunks" USING btree ("job_id","seq");--> statement-breakpoint
CREATE UNIQUE INDEX "log_chunks_once" ON "log_chunks" USING btree ("allocation_id","start_byte");--> statement-breakpoint
CREATE INDEX "offers_live_by_price" ON "offers" USING btree ("price_micros_per_hour") WHERE "offers"."withdrawn_at" is null;--> statement-breakpoint
CREATE INDEX "offers_live_by_gpu" ON "offers" USING btree ("gpu_model","gpu_count") WHERE "offers"."withdrawn_at" is null;--> statement-breakpoint
CREATE INDEX "provider_health_by_provider" ON "provider_health" USING btree ("provider","seq" DESC NULLS FIRST);--> statement-breakpoint
CREATE INDEX "providers_vendor" ON "providers" USING btree ("vendor");