CREATE TABLE "api_keys" (
	"id" bigint PRIMARY KEY NOT NULL,
	"prefix" text NOT NULL,
	"hash" text NOT NULL,
	"expires_at" bigint,
	"created_at" bigint NOT NULL
);
--> statement-breakpoint
CREATE TABLE "auth_keys" (
	"id" bigint PRIMARY KEY NOT NULL,
	"tailnet" bigint NOT NULL,
	"user_id" bigint,
	"prefix" text NOT NULL,
	"hash" text NOT NULL,
	"reusable" boolean NOT NULL,
	"ephemeral" boolean NOT NULL,
	"used" boolean NOT NULL,
	"tags" json NOT NULL,
	"expires_at" bigint,
	"created_at" bigint NOT NULL
);
--> statement-breakpoint
CREATE TABLE "auth_requests" (
	"id" text PRIMARY KEY NOT NULL,
	"purpose" json NOT NULL,
	"verdict" text NOT NULL,
	"node_id" bigint,
	"created_at" bigint NOT NULL,
	"expires_at" bigint NOT NULL
);
--> statement-breakpoint
CREATE TABLE "blobs" (
	"name" text PRIMARY KEY NOT NULL,
	"bytes" "bytea" NOT NULL,
	"updated_at" bigint NOT NULL
);
--> statement-breakpoint
CREATE TABLE "changes" (
	"seq" bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "changes_seq_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"tailnet" bigint NOT NULL,
	"revision" bigint NOT NULL,
	"at" bigint NOT NULL,
	"actor" text NOT NULL,
	"kind" text NOT NULL,
	"subject" text NOT NULL,
	"subject_id" text NOT NULL,
	"after" json
);
--> statement-breakpoint
CREATE TABLE "nodes" (
	"id" bigint PRIMARY KEY NOT NULL,
	"tailnet" bigint NOT NULL,
	"machine_key" text NOT NULL,
	"node_key" text NOT NULL,
	"nl_key" text,
	"hostname" text NOT NULL,
	"name" text NOT NULL,
	"renamed" boolean NOT NULL,
	"user_id" bigint,
	"tags" json,
	"ipv4" text,
	"ipv6" text,
	"expiry" bigint,
	"ephemeral" boolean NOT NULL,
	"register_method" text NOT NULL,
	"auth_key_id" bigint,
	"approved_routes" json NOT NULL,
	"created_at" bigint NOT NULL,
	CONSTRAINT "nodes_one_owner" CHECK ((user_id is null) <> (tags is null))
);
--> statement-breakpoint
CREATE TABLE "policies" (
	"id" bigint PRIMARY KEY NOT NULL,
	"tailnet" bigint NOT NULL,
	"text" text NOT NULL,
	"sha256" text NOT NULL,
	"size_bytes" bigint NOT NULL,
	"actor" text NOT NULL,
	"created_at" bigint NOT NULL
);
--> statement-breakpoint
CREATE TABLE "presence" (
	"node_id" bigint PRIMARY KEY NOT NULL,
	"tailnet" bigint NOT NULL,
	"last_seen" bigint,
	"disco_key" text,
	"endpoints" json NOT NULL,
	"home_derp" bigint NOT NULL,
	"hostinfo" json NOT NULL,
	"cap_version" bigint NOT NULL
);
--> statement-breakpoint
CREATE TABLE "revisions" (
	"tailnet" bigint PRIMARY KEY NOT NULL,
	"revision" bigint NOT NULL,
	CONSTRAINT "revisions_in_step" CHECK (revision > 0)
);
--> statement-breakpoint
CREATE TABLE "sequences" (
	"subject" text PRIMARY KEY NOT NULL,
	"next" bigint NOT NULL
);
--> statement-breakpoint
CREATE TABLE "tailnets" (
	"id" bigint PRIMARY KEY NOT NULL,
	"name" text NOT NULL,
	"default_owner" bigint,
	"created_at" bigint NOT NULL
);
--> statement-breakpoint
CREATE TABLE "users" (
	"id" bigint PRIMARY KEY NOT NULL,
	"tailnet" bigint NOT NULL,
	"name" text NOT NULL,
	"display_name" text NOT NULL,
	"email" text NOT NULL,
	"provider_id" text NOT NULL,
	"provider" text NOT NULL,
	"profile_pic_url" text NOT NULL,
	"role" text NOT NULL,
	"created_at" bigint NOT NULL
);
--> statement-breakpoint
ALTER TABLE "auth_keys" ADD CONSTRAINT "auth_keys_tailnet_tailnets_id_fk" FOREIGN KEY ("tailnet") REFERENCES "public"."tailnets"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "auth_keys" ADD CONSTRAINT "auth_keys_user_id_users_id_fk" FOREIGN KEY ("user_id") REFERENCES "public"."users"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "nodes" ADD CONSTRAINT "nodes_tailnet_tailnets_id_fk" FOREIGN KEY ("tailnet") REFERENCES "public"."tailnets"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "nodes" ADD CONSTRAINT "nodes_user_id_users_id_fk" FOREIGN KEY ("user_id") REFERENCES "public"."users"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "policies" ADD CONSTRAINT "policies_tailnet_tailnets_id_fk" FOREIGN KEY ("tailnet") REFERENCES "public"."tailnets"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "presence" ADD CONSTRAINT "presence_node_id_nodes_id_fk" FOREIGN KEY ("node_id") REFERENCES "public"."nodes"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "users" ADD CONSTRAINT "users_tailnet_tailnets_id_fk" FOREIGN KEY ("tailnet") REFERENCES "public"."tailnets"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
CREATE UNIQUE INDEX "api_keys_prefix" ON "api_keys" USING btree ("prefix");--> statement-breakpoint
CREATE UNIQUE INDEX "auth_keys_prefix" ON "auth_keys" USING btree ("prefix");--> statement-breakpoint
CREATE INDEX "auth_keys_user_id" ON "auth_keys" USING btree ("user_id");--> statement-breakpoint
CREATE UNIQUE INDEX "changes_revision" ON "changes" USING btree ("tailnet","revision");--> statement-breakpoint
CREATE INDEX "changes_subject" ON "changes" USING btree ("subject","subject_id","seq");--> statement-breakpoint
CREATE INDEX "changes_kind" ON "changes" USING btree ("kind","seq");--> statement-breakpoint
CREATE INDEX "changes_at" ON "changes" USING btree ("at");--> statement-breakpoint
CREATE UNIQUE INDEX "nodes_node_key" ON "nodes" USING btree ("node_key");--> statement-breakpoint
CREATE UNIQUE INDEX "nodes_name" ON "nodes" USING btree ("tailnet","name");--> statement-breakpoint
CREATE UNIQUE INDEX "nodes_ipv4" ON "nodes" USING btree ("ipv4");--> statement-breakpoint
CREATE UNIQUE INDEX "nodes_ipv6" ON "nodes" USING btree ("ipv6");--> statement-breakpoint
CREATE INDEX "nodes_user_id" ON "nodes" USING btree ("user_id");--> statement-breakpoint
CREATE INDEX "policies_tailnet" ON "policies" USING btree ("tailnet","id");--> statement-breakpoint
CREATE UNIQUE INDEX "tailnets_name" ON "tailnets" USING btree ("name");--> statement-breakpoint
CREATE UNIQUE INDEX "users_local_name" ON "users" USING btree ("tailnet","name") WHERE provider_id = '';--> statement-breakpoint
CREATE UNIQUE INDEX "users_provider_id" ON "users" USING btree ("tailnet","provider_id") WHERE provider_id <> '';