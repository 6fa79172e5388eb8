CREATE TABLE `api_key_uses` (
	`api_key_id` integer PRIMARY KEY NOT NULL,
	`last_seen` integer NOT NULL,
	FOREIGN KEY (`api_key_id`) REFERENCES `api_keys`(`id`) ON UPDATE no action ON DELETE cascade
);
--> statement-breakpoint
CREATE TABLE `primaries` (
	`tailnet` integer NOT NULL,
	`prefix` text NOT NULL,
	`node_id` integer,
	FOREIGN KEY (`node_id`) REFERENCES `nodes`(`id`) ON UPDATE no action ON DELETE cascade
);
--> statement-breakpoint
CREATE UNIQUE INDEX `primaries_prefix` ON `primaries` (`tailnet`,`prefix`);--> statement-breakpoint
CREATE TABLE `replicas` (
	`id` text PRIMARY KEY NOT NULL,
	`expires_at` integer NOT NULL
);
--> statement-breakpoint
ALTER TABLE `presence` ADD `unresponsive` integer DEFAULT false NOT NULL;--> statement-breakpoint
ALTER TABLE `presence` ADD `connected_at` integer;--> statement-breakpoint
ALTER TABLE `presence` ADD `replica` text;