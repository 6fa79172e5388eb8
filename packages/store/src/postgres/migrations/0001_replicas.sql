CREATE TABLE "api_key_uses" (
	"api_key_id" bigint PRIMARY KEY NOT NULL,
	"last_seen" bigint NOT NULL
);
--> statement-breakpoint
CREATE TABLE "primaries" (
	"tailnet" bigint NOT NULL,
	"prefix" text NOT NULL,
	"node_id" bigint
);
--> statement-breakpoint
CREATE TABLE "replicas" (
	"id" text PRIMARY KEY NOT NULL,
	"expires_at" bigint NOT NULL
);
--> statement-breakpoint
ALTER TABLE "presence" ADD COLUMN "unresponsive" boolean DEFAULT false NOT NULL;--> statement-breakpoint
ALTER TABLE "presence" ADD COLUMN "connected_at" bigint;--> statement-breakpoint
ALTER TABLE "presence" ADD COLUMN "replica" text;--> statement-breakpoint
ALTER TABLE "api_key_uses" ADD CONSTRAINT "api_key_uses_api_key_id_api_keys_id_fk" FOREIGN KEY ("api_key_id") REFERENCES "public"."api_keys"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "primaries" ADD CONSTRAINT "primaries_node_id_nodes_id_fk" FOREIGN KEY ("node_id") REFERENCES "public"."nodes"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
CREATE UNIQUE INDEX "primaries_prefix" ON "primaries" USING btree ("tailnet","prefix");