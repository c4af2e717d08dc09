CREATE TABLE "accounts" (
	"id" text PRIMARY KEY NOT NULL,
	"budget_id" text,
	"job_id" text,
	"starts_at" timestamp (3) with time zone NOT NULL,
	"ends_at" timestamp (3) with time zone,
	"cap_micros" bigint NOT NULL,
	"allotted_micros" bigint NOT NULL,
	"disaster_micros" bigint DEFAULT 0 NOT NULL,
	"reserved_micros" bigint DEFAULT 0 NOT NULL,
	"charged_micros" bigint DEFAULT 0 NOT NULL,
	"failover_micros" bigint DEFAULT 0 NOT NULL,
	"carried_at" timestamp (3) with time zone,
	"exhausted_at" timestamp (3) with time zone,
	"created_at" timestamp (3) with time zone NOT NULL,
	CONSTRAINT "accounts_owner" CHECK (("accounts"."budget_id" is null) <> ("accounts"."job_id" is null)),
	CONSTRAINT "accounts_period" CHECK ("accounts"."ends_at" is null or "accounts"."ends_at" > "accounts"."starts_at"),
	CONSTRAINT "accounts_signs" CHECK ("accounts"."reserved_micros" >= 0 and "accounts"."charged_micros" >= 0 and "accounts"."failover_micros" >= 0 and "accounts"."disaster_micros" >= 0),
	CONSTRAINT "accounts_cap" CHECK ("accounts"."allotted_micros" <= "accounts"."cap_micros" and "accounts"."reserved_micros" + "accounts"."charged_micros" <= "accounts"."allotted_micros"),
	CONSTRAINT "accounts_disaster_reserve" CHECK ("accounts"."reserved_micros" + "accounts"."charged_micros" - "accounts"."failover_micros" <= greatest(0, "accounts"."allotted_micros" - "accounts"."disaster_micros"))
);
--> statement-breakpoint
CREATE TABLE "budget_alerts" (
	"account_id" text NOT NULL,
	"threshold" integer NOT NULL,
	"at" timestamp (3) with time zone NOT NULL,
	"used_micros" bigint NOT NULL,
	"cap_micros" bigint NOT NULL,
	CONSTRAINT "budget_alerts_account_id_threshold_pk" PRIMARY KEY("account_id","threshold")
);
--> statement-breakpoint
CREATE TABLE "budget_exceptions" (
	"id" text PRIMARY KEY NOT NULL,
	"account_id" text NOT NULL,
	"job_id" text NOT NULL,
	"at" timestamp (3) with time zone NOT NULL,
	"detail" text NOT NULL,
	"closed_at" timestamp (3) with time zone,
	"closed_by" text,
	"resolution" text
);
--> statement-breakpoint
CREATE TABLE "budget_transfers" (
	"id" text PRIMARY KEY NOT NULL,
	"from_budget_id" text NOT NULL,
	"to_budget_id" text NOT NULL,
	"amount_micros" bigint NOT NULL,
	"reason" text NOT NULL,
	"state" text NOT NULL,
	"created_at" timestamp (3) with time zone NOT NULL,
	"created_by" text NOT NULL,
	"decided_at" timestamp (3) with time zone,
	"decided_by" text,
	"decision_note" text,
	CONSTRAINT "budget_transfers_state" CHECK ("budget_transfers"."state" in ('requested', 'done', 'rejected')),
	CONSTRAINT "budget_transfers_amount" CHECK ("budget_transfers"."amount_micros" > 0 and "budget_transfers"."from_budget_id" <> "budget_transfers"."to_budget_id"),
	CONSTRAINT "budget_transfers_decided" CHECK (("budget_transfers"."state" = 'requested') = ("budget_transfers"."decided_at" is null))
);
--> statement-breakpoint
CREATE TABLE "budgets" (
	"id" text PRIMARY KEY NOT NULL,
	"name" text NOT NULL,
	"organization" text NOT NULL,
	"project" text,
	"period_kind" text NOT NULL,
	"from_day" date NOT NULL,
	"until_day" date,
	"cap_micros" bigint NOT NULL,
	"disaster_micros" bigint DEFAULT 0 NOT NULL,
	"thresholds" integer[] NOT NULL,
	"on_exhausted" text NOT NULL,
	"allotments" jsonb DEFAULT '[]'::jsonb NOT NULL,
	"carry_over" boolean DEFAULT false NOT NULL,
	"approval_above_micros" bigint,
	"version" integer DEFAULT 1 NOT NULL,
	"created_at" timestamp (3) with time zone NOT NULL,
	"created_by" text NOT NULL,
	"deleted_at" timestamp (3) with time zone,
	CONSTRAINT "budgets_period_kind" CHECK ("budgets"."period_kind" in ('month', 'quarter', 'fiscal-year', 'once')),
	CONSTRAINT "budgets_on_exhausted" CHECK ("budgets"."on_exhausted" in ('stop', 'block')),
	CONSTRAINT "budgets_cap" CHECK ("budgets"."cap_micros" >= 0 and "budgets"."disaster_micros" between 0 and "budgets"."cap_micros"),
	CONSTRAINT "budgets_days" CHECK ("budgets"."until_day" is null or "budgets"."until_day" > "budgets"."from_day")
);
--> statement-breakpoint
CREATE TABLE "closed_months" (
	"month" text PRIMARY KEY NOT NULL,
	"closed_at" timestamp (3) with time zone NOT NULL,
	"closed_by" text NOT NULL,
	"total_micros" bigint NOT NULL,
	"lines" integer NOT NULL,
	"vat_percent" integer NOT NULL,
	"sha256" text NOT NULL
);
--> statement-breakpoint
CREATE TABLE "cost_days" (
	"month" text NOT NULL,
	"day" date NOT NULL,
	"allocation_id" text NOT NULL,
	"job_id" text NOT NULL,
	"organization" text NOT NULL,
	"project" text NOT NULL,
	"vendor" text NOT NULL,
	"provider" text NOT NULL,
	"region" text NOT NULL,
	"offer" text NOT NULL,
	"gpu_model" text,
	"gpu_count" integer NOT NULL,
	"spot" boolean NOT NULL,
	"purpose" text NOT NULL,
	"price_micros_per_hour" bigint NOT NULL,
	"from_seconds" bigint NOT NULL,
	"seconds" bigint NOT NULL,
	"micros" bigint NOT NULL,
	CONSTRAINT "cost_days_month_allocation_id_day_pk" PRIMARY KEY("month","allocation_id","day")
);
--> statement-breakpoint
CREATE TABLE "holds" (
	"allocation_id" text NOT NULL,
	"account_id" text NOT NULL,
	"failover" boolean NOT NULL,
	"from_seconds" bigint NOT NULL,
	"paid_seconds" bigint NOT NULL,
	"reserved_micros" bigint NOT NULL,
	"charged_micros" bigint DEFAULT 0 NOT NULL,
	CONSTRAINT "holds_allocation_id_account_id_pk" PRIMARY KEY("allocation_id","account_id"),
	CONSTRAINT "holds_signs" CHECK ("holds"."reserved_micros" >= 0 and "holds"."charged_micros" >= 0)
);
--> statement-breakpoint
CREATE TABLE "ledger" (
	"seq" bigserial PRIMARY KEY NOT NULL,
	"at" timestamp (3) with time zone NOT NULL,
	"kind" text NOT NULL,
	"debit" text NOT NULL,
	"credit" text NOT NULL,
	"account_id" text,
	"amount_micros" bigint NOT NULL,
	"job_id" text,
	"allocation_id" text,
	"provider" text,
	"offer" text,
	"price_micros_per_hour" bigint,
	"seconds" bigint,
	"day" date,
	"month" text,
	"reason" text NOT NULL,
	"actor" text NOT NULL,
	"transfer_id" text,
	CONSTRAINT "ledger_kind" CHECK ("ledger"."kind" in ('usage', 'appropriate', 'reserve', 'charge', 'release', 'transfer', 'carry', 'adjust')),
	CONSTRAINT "ledger_balances" CHECK ("ledger"."debit" in ('appropriation', 'available', 'reserved', 'charged', 'project', 'vendor') and "ledger"."credit" in ('appropriation', 'available', 'reserved', 'charged', 'project', 'vendor') and "ledger"."debit" <> "ledger"."credit"),
	CONSTRAINT "ledger_amount" CHECK ("ledger"."amount_micros" > 0),
	CONSTRAINT "ledger_account" CHECK (("ledger"."account_id" is null) = ("ledger"."debit" in ('project', 'vendor')))
);
--> statement-breakpoint
CREATE TABLE "webhook_deliveries" (
	"id" text PRIMARY KEY NOT NULL,
	"webhook_id" text NOT NULL,
	"event" text NOT NULL,
	"body" jsonb NOT NULL,
	"state" text NOT NULL,
	"attempts" integer DEFAULT 0 NOT NULL,
	"next_at" timestamp (3) with time zone,
	"last_status" integer,
	"last_error" text,
	"created_at" timestamp (3) with time zone NOT NULL,
	"delivered_at" timestamp (3) with time zone,
	CONSTRAINT "webhook_deliveries_state" CHECK ("webhook_deliveries"."state" in ('pending', 'delivered', 'failed')),
	CONSTRAINT "webhook_deliveries_pending" CHECK (("webhook_deliveries"."state" = 'pending') = ("webhook_deliveries"."next_at" is not null))
);
--> statement-breakpoint
CREATE TABLE "webhooks" (
	"id" text PRIMARY KEY NOT NULL,
	"organization" text,
	"url" text NOT NULL,
	"events" text[] NOT NULL,
	"secret" text NOT NULL,
	"created_at" timestamp (3) with time zone NOT NULL,
	"created_by" text NOT NULL,
	"deleted_at" timestamp (3) with time zone
);
--> statement-breakpoint
ALTER TABLE "allocations" ADD COLUMN "paid_seconds" bigint;--> statement-breakpoint
ALTER TABLE "allocations" ADD COLUMN "meter_at" timestamp (3) with time zone;--> statement-breakpoint
ALTER TABLE "allocations" ADD COLUMN "meter_seconds" integer DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE "installation" ADD COLUMN "time_zone" text;--> statement-breakpoint
ALTER TABLE "jobs" ADD COLUMN "approval" jsonb;--> statement-breakpoint
ALTER TABLE "accounts" ADD CONSTRAINT "accounts_budget_id_budgets_id_fk" FOREIGN KEY ("budget_id") REFERENCES "public"."budgets"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "budget_alerts" ADD CONSTRAINT "budget_alerts_account_id_accounts_id_fk" FOREIGN KEY ("account_id") REFERENCES "public"."accounts"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "budget_exceptions" ADD CONSTRAINT "budget_exceptions_account_id_accounts_id_fk" FOREIGN KEY ("account_id") REFERENCES "public"."accounts"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "budget_transfers" ADD CONSTRAINT "budget_transfers_from_budget_id_budgets_id_fk" FOREIGN KEY ("from_budget_id") REFERENCES "public"."budgets"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "budget_transfers" ADD CONSTRAINT "budget_transfers_to_budget_id_budgets_id_fk" FOREIGN KEY ("to_budget_id") REFERENCES "public"."budgets"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "budgets" ADD CONSTRAINT "budgets_organization_organizations_name_fk" FOREIGN KEY ("organization") REFERENCES "public"."organizations"("name") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "budgets" ADD CONSTRAINT "budgets_project_projects_name_fk" FOREIGN KEY ("project") REFERENCES "public"."projects"("name") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "holds" ADD CONSTRAINT "holds_account_id_accounts_id_fk" FOREIGN KEY ("account_id") REFERENCES "public"."accounts"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "webhook_deliveries" ADD CONSTRAINT "webhook_deliveries_webhook_id_webhooks_id_fk" FOREIGN KEY ("webhook_id") REFERENCES "public"."webhooks"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "webhooks" ADD CONSTRAINT "webhooks_organization_organizations_name_fk" FOREIGN KEY ("organization") REFERENCES "public"."organizations"("name") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
CREATE UNIQUE INDEX "accounts_period_once" ON "accounts" USING btree ("budget_id","starts_at");--> statement-breakpoint
CREATE UNIQUE INDEX "accounts_of_job" ON "accounts" USING btree ("job_id") WHERE "accounts"."job_id" is not null;--> statement-breakpoint
CREATE UNIQUE INDEX "budget_exceptions_open" ON "budget_exceptions" USING btree ("account_id","job_id") WHERE "budget_exceptions"."closed_at" is null;--> statement-breakpoint
CREATE INDEX "budget_transfers_from" ON "budget_transfers" USING btree ("from_budget_id");--> statement-breakpoint
CREATE INDEX "budget_transfers_to" ON "budget_transfers" USING btree ("to_budget_id");--> statement-breakpoint
CREATE INDEX "budgets_by_organization" ON "budgets" USING btree ("organization","project");--> statement-breakpoint
CREATE UNIQUE INDEX "budgets_name" ON "budgets" USING btree ("organization","name") WHERE "budgets"."deleted_at" is null;--> statement-breakpoint
CREATE INDEX "cost_days_by_day" ON "cost_days" USING btree ("day");--> statement-breakpoint
CREATE INDEX "holds_open" ON "holds" USING btree ("account_id") WHERE "holds"."reserved_micros" > 0;--> statement-breakpoint
CREATE INDEX "ledger_by_account" ON "ledger" USING btree ("account_id","seq") WHERE "ledger"."account_id" is not null;--> statement-breakpoint
CREATE INDEX "ledger_by_allocation" ON "ledger" USING btree ("allocation_id");--> statement-breakpoint
CREATE INDEX "ledger_corrections" ON "ledger" USING btree ("allocation_id") WHERE "ledger"."kind" = 'adjust';--> statement-breakpoint
CREATE INDEX "ledger_by_month" ON "ledger" USING brin ("month");--> statement-breakpoint
CREATE INDEX "webhook_deliveries_due" ON "webhook_deliveries" USING btree ("webhook_id","next_at","id") WHERE "webhook_deliveries"."state" = 'pending';--> statement-breakpoint
CREATE INDEX "webhook_deliveries_by_age" ON "webhook_deliveries" USING btree ("created_at");--> statement-breakpoint
CREATE INDEX "webhook_deliveries_by_webhook" ON "webhook_deliveries" USING btree ("webhook_id","id" DESC NULLS FIRST);--> statement-breakpoint
CREATE INDEX "webhooks_by_organization" ON "webhooks" USING btree ("organization");--> statement-breakpoint
CREATE INDEX "allocations_due" ON "allocations" USING btree ("meter_at") WHERE "allocations"."state" in ('submitting', 'active', 'releasing');--> statement-breakpoint
ALTER TABLE "allocations" ADD CONSTRAINT "allocations_paid" CHECK ("allocations"."paid_seconds" is null or "allocations"."metered_seconds" <= "allocations"."paid_seconds");--> statement-breakpoint
ALTER TABLE "allocations" DROP CONSTRAINT "allocations_end_reason";--> statement-breakpoint
ALTER TABLE "allocations" ADD CONSTRAINT "allocations_end_reason" CHECK ("allocations"."end_reason" in ('exited', 'cancelled', 'provider-down', 'provider-degraded', 'operator-move', 'provider-drain', 'max-runtime', 'deadline', 'lease-expired', 'refused', 'lost', 'promoted', 'not-needed', 'preempted', 'failback', 'budget'));--> statement-breakpoint
-- Append-only: what was written stays.
CREATE FUNCTION "ledger_stays"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	RAISE EXCEPTION 'the ledger is append-only' USING ERRCODE = 'restrict_violation';
END $$;
--> statement-breakpoint
CREATE TRIGGER "ledger_stays" BEFORE UPDATE OR DELETE OR TRUNCATE ON "ledger" FOR EACH STATEMENT EXECUTE FUNCTION "ledger_stays"();
--> statement-breakpoint
-- A month's bill is final when it is closed. By statement: a pass writes a hundred thousand entries.
CREATE FUNCTION "ledger_month_is_open"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	IF EXISTS (SELECT FROM (SELECT DISTINCT "month" FROM "added") a JOIN "closed_months" c USING ("month")) THEN
		RAISE EXCEPTION 'that month is closed' USING ERRCODE = 'restrict_violation';
	END IF;
	RETURN NULL;
END $$;
--> statement-breakpoint
CREATE TRIGGER "ledger_month_is_open" AFTER INSERT ON "ledger" REFERENCING NEW TABLE AS "added" FOR EACH STATEMENT EXECUTE FUNCTION "ledger_month_is_open"();
--> statement-breakpoint
-- What runs already is metered from now on.
UPDATE "allocations" SET "meter_at" = now() WHERE "state" <> 'released';
